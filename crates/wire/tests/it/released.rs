//! The protocol as it was released: each version's `.proto` is kept in `proto/released`, and
//! whatever it had must still be there, under the same numbers and with the same meaning.

use std::fs;
use std::path::Path;

use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor, ServiceDescriptor,
};
use reoclo_wire::ability::Ability;

const DIRECTORY: &str = env!("CARGO_MANIFEST_DIR");
const CURRENT: &str = "proto/reoclo/runner/v1/runner.proto";
const RELEASED: &str = "proto/released";

#[test]
fn the_protocol_keeps_what_every_released_version_had() {
    let current = compiled(CURRENT, "proto");
    let mut versions = 0;
    for entry in fs::read_dir(Path::new(DIRECTORY).join(RELEASED)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let released = compiled(&format!("{RELEASED}/{name}"), RELEASED);
        let broken = broken(&released, &current);
        assert!(broken.is_empty(), "{name}: {broken:#?}");
        versions += 1;
    }
    assert!(versions > 0);
}

/// So that nothing comes in without a name by which an older runner is known to lack it.
#[test]
fn every_action_and_call_is_an_ability() {
    let current = compiled(CURRENT, "proto");
    let request = current.get_message_by_name("reoclo.runner.v1.StartRequest");
    let request = request.unwrap();
    let mut oneofs = request.oneofs();
    let action = oneofs.find(|found| found.name() == "action").unwrap();
    let mut names: Vec<_> = action
        .fields()
        .map(|field| field.name().to_owned())
        .collect();
    let service = current
        .get_service_by_name("reoclo.runner.v1.Runner")
        .unwrap();
    names.extend(service.methods().map(|call| snake_case(call.name())));
    names.sort();
    let mut abilities: Vec<_> = Ability::ALL
        .iter()
        .map(|it| it.as_str().to_owned())
        .collect();
    abilities.sort();
    assert_eq!(names, abilities);
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[test]
fn a_change_that_breaks_is_found() {
    let text = fs::read_to_string(Path::new(DIRECTORY).join(CURRENT)).unwrap();
    let current = compiled(CURRENT, "proto");
    let directory = tempfile::tempdir().unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let file = directory.path().join("changed.proto");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let changed = protox::compile([&file], [directory.path()]).unwrap();
        broken(
            &current,
            &DescriptorPool::from_file_descriptor_set(changed).unwrap(),
        )
    };
    for (from, to) in [
        ("string boot_id = 2;", "string boot_id = 92;"),
        ("string boot_id = 2;", "bytes boot_id = 2;"),
        ("string boot_id = 2;", "repeated string boot_id = 2;"),
        ("string boot_id = 2;", "string boot = 2;"),
        ("  string boot_id = 2;\n", ""),
        ("Facts facts = 5;", "Exec facts = 5;"),
        ("TOO_LATE = 1;", "TOO_SOON = 1;"),
        ("rpc Forget(ForgetRequest)", "rpc Forgets(ForgetRequest)"),
        (
            "returns (stream OperationEvent)",
            "returns (OperationEvent)",
        ),
        ("rpc Cancel(CancelRequest)", "rpc Cancel(ForgetRequest)"),
    ] {
        assert_eq!(changed(from, to).len(), 1, "{from} → {to}");
    }
    let added = changed(
        "string boot_id = 2;",
        "string boot_id = 2; string zone = 99;",
    );
    assert_eq!(added, [""; 0]);
}

fn compiled(file: &str, include: &str) -> DescriptorPool {
    let directory = Path::new(DIRECTORY);
    let files = protox::compile([directory.join(file)], [directory.join(include)]).unwrap();
    DescriptorPool::from_file_descriptor_set(files).unwrap()
}

/// What `before` had and `now` has not.
fn broken(before: &DescriptorPool, now: &DescriptorPool) -> Vec<String> {
    let mut broken = Vec::new();
    for message in before.all_messages() {
        match now.get_message_by_name(message.full_name()) {
            Some(found) => fields(&message, &found, &mut broken),
            None => broken.push(format!("message {}", message.full_name())),
        }
    }
    for values in before.all_enums() {
        match now.get_enum_by_name(values.full_name()) {
            Some(found) => numbers(&values, &found, &mut broken),
            None => broken.push(format!("enum {}", values.full_name())),
        }
    }
    for service in before.services() {
        match now.get_service_by_name(service.full_name()) {
            Some(found) => calls(&service, &found, &mut broken),
            None => broken.push(format!("service {}", service.full_name())),
        }
    }
    broken
}

fn fields(before: &MessageDescriptor, now: &MessageDescriptor, broken: &mut Vec<String>) {
    for field in before.fields() {
        let found = now.get_field(field.number());
        if found.as_ref().map(meaning) != Some(meaning(&field)) {
            broken.push(format!("field {}", field.full_name()));
        }
    }
}

/// What a field is on the wire and to whoever reads the code.
fn meaning(field: &FieldDescriptor) -> (String, String, String, Option<String>) {
    let oneof = field.containing_oneof();
    (
        field.name().to_owned(),
        format!("{:?}", field.kind()),
        format!("{:?} {}", field.cardinality(), field.supports_presence()),
        oneof.map(|oneof| oneof.name().to_owned()),
    )
}

fn numbers(before: &EnumDescriptor, now: &EnumDescriptor, broken: &mut Vec<String>) {
    for value in before.values() {
        let found = now.get_value(value.number());
        if found.as_ref().map(|found| found.name().to_owned()) != Some(value.name().to_owned()) {
            broken.push(format!("value {}", value.full_name()));
        }
    }
}

fn calls(before: &ServiceDescriptor, now: &ServiceDescriptor, broken: &mut Vec<String>) {
    for call in before.methods() {
        let found = now.methods().find(|found| found.name() == call.name());
        let is_same = found.is_some_and(|found| {
            found.input().full_name() == call.input().full_name()
                && found.output().full_name() == call.output().full_name()
                && found.is_client_streaming() == call.is_client_streaming()
                && found.is_server_streaming() == call.is_server_streaming()
        });
        if !is_same {
            broken.push(format!("call {}", call.full_name()));
        }
    }
}
