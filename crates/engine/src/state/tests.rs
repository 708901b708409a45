use serde_json::json;

use super::*;
use crate::error::ErrorClass;

fn address() -> Address {
    Address::new("t/a").unwrap()
}

fn seq(number: u64) -> Seq {
    Seq::of_record(number)
}

fn intent(mutation: Mutation) -> Event {
    Event::Intent(Intended {
        address: address(),
        kind: "Test".to_owned(),
        mutation,
        token: "token".to_owned(),
        properties: json!({ "Size": 1 }),
        dependencies: vec![],
        protect: false,
    })
}

fn after(events: &[Event]) -> Result<State, IllegalEvent> {
    events.iter().try_fold(State::new("lineage"), |state, event| state.next(event))
}

#[test]
fn a_life_leaves_nothing_behind() {
    let created = Event::Created { seq: seq(1), outputs: json!({ "Id": "i-1" }), adopted: false };
    let ready = Event::Ready { seq: seq(1), outputs: json!({ "Id": "i-1" }) };
    let alive = after(&[intent(Mutation::Create), created.clone(), ready.clone()]).unwrap();
    assert_eq!(alive.output("t/a", "Id"), Some(&json!("i-1")));
    let gone =
        alive.next(&intent(Mutation::Delete(seq(1)))).unwrap().next(&Event::Gone { seq: seq(4) }).unwrap();
    assert!(gone.is_empty());
    assert!(gone.owners.is_empty());
    assert_eq!(gone.records, 5);
}

#[test]
fn a_second_create_deposes_the_first_object() {
    let state = after(&[
        intent(Mutation::Create),
        Event::Created { seq: seq(1), outputs: json!({ "Id": "old" }), adopted: false },
        Event::Ready { seq: seq(1), outputs: json!({ "Id": "old" }) },
        intent(Mutation::Create),
        Event::Created { seq: seq(4), outputs: json!({ "Id": "new" }), adopted: false },
    ])
    .unwrap();
    let slot = state.slot("t/a").unwrap();
    assert_eq!(slot.current.as_ref().unwrap().seq, seq(4));
    assert_eq!(slot.deposed[0].seq, seq(1));
}

#[test]
fn events_that_cannot_follow_are_refused() {
    let create = intent(Mutation::Create);
    for illegal in [
        vec![Event::Created { seq: seq(1), outputs: json!({}), adopted: false }],
        vec![create.clone(), create.clone()],
        vec![create.clone(), Event::Gone { seq: seq(1) }],
        vec![create.clone(), Event::Ready { seq: seq(1), outputs: json!({}) }],
        vec![intent(Mutation::Update(seq(1)))],
        vec![intent(Mutation::Delete(seq(1)))],
        vec![create.clone(), Event::Failed { seq: seq(2), class: ErrorClass::Denied }],
        vec![create, Event::Observed { seq: seq(1), properties: json!({}) }],
    ] {
        assert!(after(&illegal).is_err(), "{illegal:?}");
    }
}

#[test]
fn a_failed_create_leaves_the_state_as_it_was() {
    let state =
        after(&[intent(Mutation::Create), Event::Failed { seq: seq(1), class: ErrorClass::Denied }]).unwrap();
    assert!(state.is_empty());
}

#[test]
fn an_interrupted_update_leaves_the_object_unsettled_and_referring_to_old_and_new() {
    let update = |dependencies: &[&str]| match intent(Mutation::Update(seq(1))) {
        Event::Intent(intended) => Event::Intent(Intended {
            dependencies: dependencies.iter().map(|text| Address::new(text).unwrap()).collect(),
            ..intended
        }),
        other => other,
    };
    let events = [
        intent(Mutation::Create),
        Event::Created { seq: seq(1), outputs: json!({}), adopted: false },
        Event::Ready { seq: seq(1), outputs: json!({}) },
        update(&["t/x"]),
        Event::Ready { seq: seq(4), outputs: json!({}) },
        update(&["t/y"]),
        Event::Observed { seq: seq(6), properties: json!({ "Size": 2 }) },
    ];
    let state = after(&events).unwrap();
    let object = state.current("t/a").unwrap();
    assert_eq!(object.phase, Phase::Changing);
    assert_eq!(object.dependencies.iter().map(Address::as_str).collect::<Vec<_>>(), ["t/x", "t/y"]);
    assert!(state.slot("t/a").unwrap().open.is_empty());
    let state = state.next(&Event::Ready { seq: seq(1), outputs: json!({ "Id": 5 }) }).unwrap();
    assert_eq!(state.current("t/a").unwrap().phase, Phase::Ready);
    assert_eq!(state.output("t/a", "Id"), Some(&json!(5)));
}

#[test]
fn what_was_begun_with_an_object_that_disappeared_is_closed() {
    let events = [
        intent(Mutation::Create),
        Event::Created { seq: seq(1), outputs: json!({}), adopted: false },
        Event::Ready { seq: seq(1), outputs: json!({}) },
        intent(Mutation::Update(seq(1))),
        Event::Missing { address: address(), object: seq(1) },
    ];
    let state = after(&events).unwrap();
    assert!(state.is_empty());
    assert!(state.owners.is_empty());
}

#[test]
fn only_an_object_that_is_being_created_can_be_given_up() {
    let created =
        [intent(Mutation::Create), Event::Created { seq: seq(1), outputs: json!({}), adopted: false }];
    let broken = Event::Broken { seq: seq(1), reason: "failed".to_owned() };
    let state = after(&created).unwrap().next(&broken).unwrap();
    assert_eq!(state.current("t/a").unwrap().phase, Phase::Broken);
    let ready = Event::Ready { seq: seq(1), outputs: json!({}) };
    assert!(state.next(&ready).is_err());
    assert!(after(&created).unwrap().next(&ready).unwrap().next(&broken).is_err());
}

#[test]
fn what_moves_takes_its_open_intents_along_and_whoever_refers_to_it_follows() {
    let other = Event::Intent(Intended {
        address: Address::new("t/user").unwrap(),
        kind: "Test".to_owned(),
        mutation: Mutation::Create,
        token: "token".to_owned(),
        properties: json!({}),
        dependencies: vec![address(), Address::new("t/c").unwrap()],
        protect: false,
    });
    let exports =
        json!({ "id": { "$ref": "t/a", "attr": "Id" }, "other": [{ "$ref": "t/c", "attr": "Id" }] });
    let events = [
        intent(Mutation::Create),
        Event::Created { seq: seq(1), outputs: json!({ "Id": "i-1" }), adopted: false },
        Event::Ready { seq: seq(1), outputs: json!({ "Id": "i-1" }) },
        other,
        Event::Created { seq: seq(4), outputs: json!({}), adopted: false },
        Event::Exports { values: exports },
        intent(Mutation::Update(seq(1))),
    ];
    let before = after(&events).unwrap();
    let to = Address::new("t/z").unwrap();
    let moved = before.clone().next(&Event::Moved { address: address(), to: to.clone() }).unwrap();
    assert!(moved.slot("t/a").is_none());
    // What the object carries goes on naming the address that it was made at.
    let object = before.current("t/a").cloned().map(|object| Object { made_at: Some(address()), ..object });
    assert_eq!(moved.current("t/z"), object.as_ref());
    let needed: Vec<_> = moved.current("t/user").unwrap().dependencies.iter().map(Address::as_str).collect();
    assert_eq!(needed, ["t/c", "t/z"]);
    assert_eq!(moved.exports()["id"], json!("i-1"));
    // What was begun at the former address ends at the present one.
    let done = moved.clone().next(&Event::Ready { seq: seq(7), outputs: json!({ "Id": "i-1" }) }).unwrap();
    assert_eq!(done.current("t/z").unwrap().phase, Phase::Ready);
    // From the snapshot it is the same.
    let mut read: State = serde_json::from_value(serde_json::to_value(&moved).unwrap()).unwrap();
    read.index();
    assert_eq!(read, moved);

    assert!(
        moved.clone().next(&Event::Moved { address: address(), to: Address::new("t/y").unwrap() }).is_err()
    );
    let taken = Event::Moved { address: Address::new("t/user").unwrap(), to };
    assert!(moved.next(&taken).is_err());
}

#[test]
fn a_token_is_32_hexadecimal_digits_and_differs_by_lineage_address_and_record() {
    let state = State::new("one");
    let token = state.token(&address());
    assert_eq!(token.len(), 32);
    assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(token, state.token(&address()));
    assert_ne!(token, State::new("two").token(&address()));
    assert_ne!(token, state.token(&Address::new("t/b").unwrap()));
    assert_ne!(token, state.next(&intent(Mutation::Create)).unwrap().token(&address()));
}
