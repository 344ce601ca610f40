use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::*;

static RECORDED: Mutex<Vec<TraceSpan>> = Mutex::new(Vec::new());

#[test]
fn ids_are_unique_and_a_child_belongs_to_its_trace() {
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let root = TraceContext::root();
        let child = root.child();
        assert_eq!(child.trace_id, root.trace_id);
        assert!(seen.insert(root.span_id) && seen.insert(child.span_id));
    }
    assert_eq!(TraceContext::root().to_string().len(), 32);
}

#[test]
fn each_stage_finds_the_same_context_for_a_traced_frame() {
    let _ = record_to(|span| {
        let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.push(span);
    });
    let traced = of_frame(630).expect("one in 300");
    assert_eq!(of_frame(630), Some(traced));
    assert_ne!(of_frame(930), Some(traced));
    assert_eq!((of_frame(631), of_frame(929)), (None, None));
    let now = Instant::now();
    record(TraceSpan::part_of(traced, "carrier.test", (now, now)).with("carrier.test", 7_u64));
    let recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    let span = recorded.iter().find(|span| span.name == "carrier.test");
    let span = span.expect("recorded");
    assert_eq!(span.parent, Some(traced.span_id));
    assert_eq!(span.context.trace_id, traced.trace_id);
    assert_eq!(
        span.attributes,
        [("carrier.test", AttributeValue::Integer(7))]
    );
}

#[test]
fn a_thread_works_on_one_span_at_a_time() {
    let (outer, inner) = (TraceContext::root(), TraceContext::root());
    assert_eq!(current(), None);
    {
        let _outer = enter(Some(outer));
        {
            let _inner = enter(Some(inner));
            assert_eq!(current(), Some(inner));
        }
        assert_eq!(current(), Some(outer));
        let elsewhere = std::thread::spawn(current).join();
        assert_eq!(elsewhere.expect("no panic"), None);
    }
    assert_eq!(current(), None);
}
