use rand::SeedableRng;

use super::*;

const MEASURED: &str = include_str!("../../measured_ap.toml");
const COCO: &str = include_str!("../../../models/coco80.txt");

fn measured() -> MeasuredModels {
    toml::from_str(MEASURED).unwrap()
}

fn coco() -> Vec<String> {
    COCO.lines().map(str::to_owned).collect()
}

fn target(slug: &str, class_id: usize, level: u8) -> HuntTarget {
    HuntTarget {
        class_id,
        slug: slug.to_owned(),
        level,
    }
}

#[test]
fn each_measured_model_but_the_embedded_one_has_a_full_hunt() {
    for model in measured().model {
        let found = targets(&model, &coco());
        if model.name == "embedded" {
            let error = found.unwrap_err();
            assert!(error.to_string().contains("embedded"), "{error}");
            continue;
        }
        let found = found.unwrap();
        assert!(found.len() >= 10, "{}: {}", model.name, found.len());
        assert!(found.iter().any(|one| one.level <= 2), "{}", model.name);
        assert!(found.iter().any(|one| one.level >= 4), "{}", model.name);
    }
}

#[test]
fn nothing_dangerous_is_asked_for_however_well_it_is_found() {
    let labels = coco();
    let classes = labels.iter().map(|label| MeasuredClass {
        class: label.clone(),
        ap50: 1.0,
        boxes: 1000,
    });
    let perfect = MeasuredModel {
        name: "perfect".to_owned(),
        classes: classes.collect(),
    };
    let found = targets(&perfect, &labels).unwrap();
    assert_eq!(found.len(), HUNTABLE.len());
    for never in [
        "knife",
        "scissors",
        "fork",
        "wine-glass",
        "baseball-bat",
        "person",
        "dog",
    ] {
        assert!(found.iter().all(|one| one.slug != never), "{never}");
    }
}

#[test]
fn a_class_that_is_found_badly_or_was_hardly_measured_is_not_asked_for() {
    let labels: Vec<String> = ["cup", "bottle", "book", "tie", "bowl", "laptop"]
        .map(str::to_owned)
        .to_vec();
    let class = |class: &str, ap50, boxes| MeasuredClass {
        class: class.to_owned(),
        ap50,
        boxes,
    };
    let model = MeasuredModel {
        name: "small".to_owned(),
        classes: vec![
            class("cup", 0.9, 50),
            class("bottle", 0.2, 50),
            class("book", 0.9, 1),
            class("tie", 0.45, 50),
            class("bowl", f32::NAN, 50),
            class("laptop", 0.7, 50),
            class("spoon", 0.9, 50),
        ],
    };
    let error = targets(&model, &labels).unwrap_err();
    assert_eq!((error.found, error.needed), (3, TARGETS_MIN));
}

#[test]
fn the_nearest_level_is_chosen_and_what_is_in_view_comes_last() {
    let left = [
        target("cup", 1, 1),
        target("tie", 2, 2),
        target("pizza", 3, 4),
    ];
    let mut random = StdRng::seed_from_u64(3);
    let mut next = |level, in_view: &[usize]| {
        let is_in_view = |class_id| in_view.contains(&class_id);
        next_target(&left, level, is_in_view, &mut random).map(|one| one.slug)
    };
    assert_eq!(next(1, &[]).as_deref(), Some("cup"));
    assert_eq!(next(5, &[]).as_deref(), Some("pizza"));
    assert_eq!(next(1, &[1]).as_deref(), Some("tie"));
    assert_eq!(next(1, &[1, 2, 3]).as_deref(), Some("cup"));
    assert_eq!(next_target(&[], 1, |_| false, &mut random), None);
}

#[test]
fn the_same_seed_asks_for_the_same_targets() {
    let left: Vec<_> = (0..10).map(|n| target("cup", n, 1)).collect();
    let ask = |seed| {
        let mut random = StdRng::seed_from_u64(seed);
        next_target(&left, 1, |_| false, &mut random).map(|one| one.class_id)
    };
    assert_eq!(ask(5), ask(5));
    assert!((0..20).any(|seed| ask(seed) != ask(5)));
}
