//! MOTA, IDF1 and HOTA as TrackEval computes them, and the mean IoU of painted boxes.
//!
//! MOTA: Bernardin and Stiefelhagen 2008, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics".
//! IDF1: Ristani et al. 2016, arXiv:1609.01775. HOTA: Luiten et al. 2020, arXiv:2009.07736.

use std::collections::BTreeMap;

use crate::detection::BBox;
use crate::tracker::matching::assign;

const MATCH_IOU: f32 = 0.5;
/// The thresholds of HOTA: 0.05, 0.1 to 0.95.
const ALPHAS: usize = 19;

/// Boxes of one picture, each with the number of its object.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    pub(super) truth: Vec<(u32, BBox)>,
    pub(super) found: Vec<(u32, BBox)>,
}

impl Picture {
    /// `hidden`: objects that nobody can see. Boxes that are found on them count neither way.
    pub(super) fn new(truth: Vec<(u32, BBox)>, hidden: &[BBox], found: Vec<(u32, BBox)>) -> Self {
        let seen = truth.iter().map(|(_, bbox)| bbox);
        let all: Vec<&BBox> = seen.chain(hidden).collect();
        let pairs = best_pairs(all.len(), found.len(), |row, column| {
            let overlap = all[row].iou(&found[column].1);
            if overlap >= MATCH_IOU { overlap } else { 0.0 }
        });
        let is_on_hidden = |column: usize| {
            let pair = pairs.iter().find(|pair| pair.1 == column);
            pair.is_some_and(|&(row, _)| {
                row >= truth.len() && all[row].iou(&found[column].1) >= MATCH_IOU
            })
        };
        let kept = (0..found.len()).filter(|column| !is_on_hidden(*column));
        Self {
            found: kept.map(|column| found[column]).collect(),
            truth,
        }
    }

    fn overlap(&self, row: usize, column: usize) -> f32 {
        self.truth[row].1.iou(&self.found[column].1)
    }
}

/// Sums over sequences, as TrackEval combines them.
#[derive(Debug, Clone, Default)]
pub(super) struct Score {
    matched: f64,
    missed: f64,
    false_boxes: f64,
    switches: f64,
    id_matched: f64,
    truth: f64,
    found: f64,
    hota: [AtAlpha; ALPHAS],
    iou: f64,
    iou_boxes: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct AtAlpha {
    matched: f64,
    /// The sum of the association accuracy over matched boxes.
    association: f64,
}

impl Score {
    pub(super) fn of(pictures: &[Picture]) -> Self {
        let mut score = Self {
            truth: pictures.iter().map(|one| one.truth.len()).sum::<usize>() as f64,
            found: pictures.iter().map(|one| one.found.len()).sum::<usize>() as f64,
            ..Self::default()
        };
        score.add_clear(pictures);
        score.add_identity(pictures);
        score.add_hota(pictures);
        for picture in pictures {
            let (rows, columns) = (picture.truth.len(), picture.found.len());
            let pairs = best_pairs(rows, columns, |row, column| picture.overlap(row, column));
            let overlaps = pairs.iter().map(|pair| picture.overlap(pair.0, pair.1));
            let overlaps: Vec<f32> = overlaps.filter(|overlap| *overlap > 0.0).collect();
            score.iou += f64::from(overlaps.iter().sum::<f32>());
            score.iou_boxes += (rows + columns - overlaps.len()) as f64;
        }
        score
    }

    pub(super) fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.matched, other.matched),
            (&mut self.missed, other.missed),
            (&mut self.false_boxes, other.false_boxes),
            (&mut self.switches, other.switches),
            (&mut self.id_matched, other.id_matched),
            (&mut self.truth, other.truth),
            (&mut self.found, other.found),
            (&mut self.iou, other.iou),
            (&mut self.iou_boxes, other.iou_boxes),
        ];
        for (sum, other) in sums {
            *sum += other;
        }
        for (sum, other) in self.hota.iter_mut().zip(&other.hota) {
            sum.matched += other.matched;
            sum.association += other.association;
        }
    }

    pub(super) fn mota(&self) -> f64 {
        (self.matched - self.false_boxes - self.switches) / (self.matched + self.missed).max(1.0)
    }

    pub(super) fn idf1(&self) -> f64 {
        2.0 * self.id_matched / (self.truth + self.found).max(1.0)
    }

    pub(super) fn hota(&self) -> f64 {
        let at = |one: &AtAlpha| {
            let detection = one.matched / (self.truth + self.found - one.matched).max(1.0);
            (detection * one.association / one.matched.max(1.0)).sqrt()
        };
        self.hota.iter().map(at).sum::<f64>() / ALPHAS as f64
    }

    pub(super) fn switches(&self) -> f64 {
        self.switches
    }

    /// The mean IoU of true and found boxes with their counterparts; 0 for those without one.
    pub(super) fn mean_iou(&self) -> f64 {
        self.iou / self.iou_boxes.max(1.0)
    }

    fn add_clear(&mut self, pictures: &[Picture]) {
        let mut last: BTreeMap<u32, u32> = BTreeMap::new();
        let mut before: BTreeMap<u32, u32> = BTreeMap::new();
        for picture in pictures {
            let (rows, columns) = (picture.truth.len(), picture.found.len());
            let goes_on = |row: usize, column: usize| {
                before.get(&picture.truth[row].0) == Some(&picture.found[column].0)
            };
            let pairs = best_pairs(rows, columns, |row, column| {
                let overlap = picture.overlap(row, column);
                match overlap >= MATCH_IOU {
                    true => overlap + if goes_on(row, column) { 1000.0 } else { 0.0 },
                    false => 0.0,
                }
            });
            let fits = |pair: &&(usize, usize)| picture.overlap(pair.0, pair.1) >= MATCH_IOU;
            let pairs: Vec<_> = pairs.iter().filter(fits).collect();
            if rows > 0 && columns > 0 {
                before.clear();
            }
            for &&(row, column) in &pairs {
                let (object, track) = (picture.truth[row].0, picture.found[column].0);
                let former = last.insert(object, track);
                self.switches += f64::from(u8::from(former.is_some_and(|one| one != track)));
                before.insert(object, track);
            }
            self.matched += pairs.len() as f64;
            self.missed += (rows - pairs.len()) as f64;
            self.false_boxes += (columns - pairs.len()) as f64;
        }
    }

    fn add_identity(&mut self, pictures: &[Picture]) {
        let mut together: BTreeMap<(u32, u32), f32> = BTreeMap::new();
        for picture in pictures {
            for (object, place) in &picture.truth {
                for (track, found) in &picture.found {
                    if place.iou(found) >= MATCH_IOU {
                        *together.entry((*object, *track)).or_default() += 1.0;
                    }
                }
            }
        }
        let objects = sorted(together.keys().map(|pair| pair.0));
        let tracks = sorted(together.keys().map(|pair| pair.1));
        let count = |row: usize, column: usize| {
            let pair = (objects[row], tracks[column]);
            together.get(&pair).copied().unwrap_or(0.0)
        };
        let pairs = best_pairs(objects.len(), tracks.len(), count);
        let total: f32 = pairs.iter().map(|pair| count(pair.0, pair.1)).sum();
        self.id_matched += f64::from(total);
    }

    fn add_hota(&mut self, pictures: &[Picture]) {
        let mut of_object: BTreeMap<u32, f64> = BTreeMap::new();
        let mut of_track: BTreeMap<u32, f64> = BTreeMap::new();
        let mut together: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        for picture in pictures {
            let rows = picture.truth.iter();
            rows.for_each(|(object, _)| *of_object.entry(*object).or_insert(0.0) += 1.0);
            let columns = picture.found.iter();
            columns.for_each(|(track, _)| *of_track.entry(*track).or_insert(0.0) += 1.0);
            for (row, (object, _)) in picture.truth.iter().enumerate() {
                for (column, (track, _)) in picture.found.iter().enumerate() {
                    let share = share_of_overlap(picture, row, column);
                    *together.entry((*object, *track)).or_default() += share;
                }
            }
        }
        let alignment = |object: u32, track: u32| {
            let both = together.get(&(object, track)).copied().unwrap_or(0.0);
            both / (of_object[&object] + of_track[&track] - both)
        };
        let mut counts: Vec<BTreeMap<(u32, u32), f64>> = vec![BTreeMap::new(); ALPHAS];
        for picture in pictures {
            let (rows, columns) = (picture.truth.len(), picture.found.len());
            let pairs = best_pairs(rows, columns, |row, column| {
                let aligned = alignment(picture.truth[row].0, picture.found[column].0);
                aligned as f32 * picture.overlap(row, column)
            });
            for (row, column) in pairs {
                let overlap = picture.overlap(row, column);
                let pair = (picture.truth[row].0, picture.found[column].0);
                for (index, count) in counts.iter_mut().enumerate() {
                    if overlap >= (index + 1) as f32 * 0.05 - f32::EPSILON {
                        *count.entry(pair).or_default() += 1.0;
                    }
                }
            }
        }
        for (sum, count) in self.hota.iter_mut().zip(&counts) {
            for (&(object, track), &matched) in count {
                sum.matched += matched;
                sum.association +=
                    matched * matched / (of_object[&object] + of_track[&track] - matched);
            }
        }
    }
}

/// The IoU of a pair, as a part of all IoUs of both.
fn share_of_overlap(picture: &Picture, row: usize, column: usize) -> f64 {
    let rows = (0..picture.truth.len()).map(|one| picture.overlap(one, column));
    let columns = (0..picture.found.len()).map(|one| picture.overlap(row, one));
    let both = picture.overlap(row, column);
    let all = rows.sum::<f32>() + columns.sum::<f32>() - both;
    if all > 0.0 {
        f64::from(both / all)
    } else {
        0.0
    }
}

fn sorted(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut all: Vec<u32> = numbers.collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Pairs of the largest total worth.
fn best_pairs(
    rows: usize,
    columns: usize,
    worth: impl Fn(usize, usize) -> f32,
) -> Vec<(usize, usize)> {
    assign(rows, columns, |row, column| Some(-worth(row, column)))
}

#[test]
fn metrics_of_a_small_case_by_hand() {
    let place = |x: f32| BBox::new(x, 0.0, x + 10.0, 10.0);
    // Found in three of four pictures, the last time under another number, and once beside.
    let found = [
        vec![(1, place(0.0))],
        vec![(1, place(0.0)), (3, place(90.0))],
        vec![],
        vec![(2, place(0.0))],
    ];
    let pictures = found.map(|found| Picture::new(vec![(7, place(0.0))], &[], found));
    let score = Score::of(&pictures);
    // Three matched, one missed, one false, one switch.
    assert!((score.mota() - (3.0 - 1.0 - 1.0) / 4.0).abs() < 1e-9);
    assert!((score.idf1() - 2.0 * 2.0 / (4.0 + 4.0)).abs() < 1e-9);
    // Two matches with 2 / (4 + 2 - 2), one with 1 / (4 + 1 - 1).
    let association: f64 = (2.0 * 0.5 + 0.25) / 3.0;
    assert!((score.hota() - (3.0 / 5.0 * association).sqrt()).abs() < 1e-9);
    assert!((score.mean_iou() - 3.0 / 5.0).abs() < 1e-9);
    let on_hidden = Picture::new(
        vec![],
        &[place(0.0)],
        vec![(1, place(1.0)), (2, place(40.0))],
    );
    assert_eq!(on_hidden.found, [(2, place(40.0))]);
}
