//! Each game on synthetic tracks on a virtual clock.

mod group_photo;
mod how_many;
mod left_or_right;
mod object_hunt;
mod red_light;
