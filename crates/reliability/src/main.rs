//! dev
use std::collections::BTreeMap;
use std::time::Instant;
fn main() {
    for scenario in reliability::Scenario::ALL {
        let start = Instant::now();
        let stage = match reliability::Stage::set(scenario) { Ok(stage) => stage, Err(error) => { println!("{error:#?}"); continue } };
        println!("{scenario:?}: set {:?}; calls {} mutating {} writes {} virtual {:?} {:?}", start.elapsed(), stage.clean.calls.len(), stage.clean.calls.iter().filter(|c| c.mutating).count(), stage.clean.writes.len(), stage.clean.took, stage.clean.ended);
        let mut ops = BTreeMap::new();
        for call in &stage.clean.calls { *ops.entry(format!("{} {}", call.operation, call.outcome)).or_insert(0) += 1; }
        let mut ops: Vec<_> = ops.into_iter().collect(); ops.sort_by_key(|o| -o.1);
        println!("{:?}", &ops[..ops.len().min(40)]);
        let start = Instant::now();
        let again = stage.before.copy().run(&stage.wanted, &Default::default());
        println!("again {:?} same {}", start.elapsed(), again.calls == stage.clean.calls);
        let start = Instant::now();
        println!("preview {:?} {:?}", stage.after.preview(&stage.wanted).map(|p| p.is_empty()), start.elapsed());
        let sight = stage.after.look().unwrap();
        println!("objects {} state {}", sight.objects.len(), sight.state.objects().count());
        let mut kinds: BTreeMap<String, (i32, i32)> = BTreeMap::new();
        for o in &sight.objects { kinds.entry(o.kind.clone()).or_default().0 += 1; }
        for (_, o) in sight.state.objects() { kinds.entry(o.kind.clone()).or_default().1 += 1; }
        println!("{:#?}", kinds.iter().filter(|(_, (a, b))| a != b).collect::<Vec<_>>());
        for o in &sight.objects { println!("  {} {} name={:?} part={:?} addr={:?}", o.kind, o.id, o.name, o.part_of, o.tags.get(aws::tags::ADDRESS)); }
    }
}
