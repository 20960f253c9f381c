use reoclo_control::InvalidFields;

use super::*;

#[test]
fn the_summary_has_the_page_s_words_and_leads_to_the_fields() {
    let mut invalid = InvalidFields::default();
    invalid.add(
        "server_ids",
        "must have at least one server: list some, or send all_servers: true",
    );
    invalid.add("ip_allowlist[1]", "is no network");
    invalid.add("encrypted_credential", "is missing");
    let problems = Problems::of(Refusal::InvalidRequest(invalid)).unwrap();
    let lines = problems.summary().into_iter();
    let lines: Vec<_> = lines
        .map(|told| format!("{} {} {}", told.href, told.label, told.text))
        .collect();
    let expected = [
        "#server_ids Servers must have at least one: tick a server, or allow all servers.",
        "#ip_allowlist IP allowlist (entry 2) is no network.",
        "#secret Password or token is missing.",
    ];
    assert_eq!(lines, expected);
    assert!(problems.is_told());
    assert!(!Problems::default().is_told());
}

/// The fields that templates take from components, with their ids.
fn with_fields_of_macros(html: &str) -> String {
    let part = |of: &str| format!("{{% call c::{of}(problems, \"");
    html.replace("{% call c::own_name(", " id=\"name\" (")
        .replace(&part("new_password"), " id=\"")
        .replace(&part("field"), " id=\"")
        .replace(&part("number"), " id=\"")
}

/// The summary reads from the top of the form to its end, so that its links do too.
#[test]
fn the_summary_has_the_order_of_every_form() {
    let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut checked = 0;
    for folder in std::fs::read_dir(templates).unwrap() {
        let folder = folder.unwrap().path();
        let files = std::fs::read_dir(&folder).into_iter().flatten();
        for file in files.map(|file| file.unwrap().path()) {
            let first: &[&str] = if file.ends_with("setup/complete.html") {
                &SETUP_FIRST
            } else {
                &[]
            };
            let problems = Problems::default().with_first(first);
            let html = with_fields_of_macros(&std::fs::read_to_string(&file).unwrap());
            // Of two forms, a page has one.
            let forms = html.split("else %}").map(|html| {
                let ids = html.split(" id=\"").skip(1);
                let ids = ids.filter_map(|rest| rest.split('"').next());
                let named = |id: &str| PLACES.iter().find(|(_, _, place)| *place == id);
                let ranks = ids.filter_map(named);
                let ranks: Vec<_> = ranks.map(|(name, _, _)| problems.rank(name)).collect();
                assert!(ranks.is_sorted(), "{}: {ranks:?}", file.display());
                ranks.len()
            });
            checked += usize::from(forms.max() > Some(1));
        }
    }
    assert!(checked >= 10, "{checked}");
}

#[test]
fn entries_have_the_order_of_their_list_and_a_conflict_leads_to_its_field() {
    let mut invalid = InvalidFields::default();
    invalid.add("ip_allowlist[10]", "is no network");
    invalid.add("ip_allowlist[9]", "is no network");
    let problems = Problems::of(Refusal::InvalidRequest(invalid)).unwrap();
    let texts: Vec<_> = problems
        .summary()
        .into_iter()
        .map(|told| told.text)
        .collect();
    assert_eq!(
        texts,
        ["(entry 10) is no network.", "(entry 11) is no network."]
    );

    let detail = "there is a server with the slug web-1 already".to_owned();
    let refusal = Refusal::Taken {
        field: "slug",
        detail,
    };
    let problems = Problems::of(refusal).unwrap();
    assert_eq!(problems.status().status, StatusCode::CONFLICT);
    let told = &problems.summary()[0];
    assert_eq!((told.label, told.href.as_str()), ("Slug", "#slug"));
    assert!(problems.of_field("slug").unwrap().contains("web-1 already"));
}

#[test]
fn whoever_is_to_wait_is_told_how_long_and_what_to_do() {
    let refusal = Refusal::TooManyAttempts { retry_after: 541 };
    let problems = Problems::of(refusal).unwrap();
    let standing = problems.status();
    assert_eq!(standing.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(standing.retry_after, Some(541));
    let text = problems.general().unwrap();
    assert!(text.contains("Wait 10 minutes and try again"), "{text}");
    let (limit, queued) = (64, 256);
    let problems = Problems::of(Refusal::ServerBusy { limit, queued }).unwrap();
    assert!(problems.status().retry_after.is_some());
    let text = problems.general().unwrap();
    assert!(text.contains("try again in 5 seconds"), "{text}");
    let problems = Problems::of(Refusal::Busy).unwrap();
    assert_eq!(problems.status().status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(problems.status().retry_after.is_some());
}

#[test]
fn entries_of_a_list_are_counted_as_people_do() {
    let mut invalid = InvalidFields::default();
    invalid.add("ip_allowlist[1]", "is no network");
    invalid.add("name", "is missing");
    let problems = Problems::of(Refusal::InvalidRequest(invalid)).unwrap();
    let listed = problems.of_field("ip_allowlist").unwrap();
    assert_eq!(listed, "Entry 2 is no network.");
    assert_eq!(problems.of_field("name").unwrap(), "This is missing.");
    assert!(!problems.has("ip"));
    assert_eq!(sentence("not now"), "Not now.");
}

#[test]
fn a_capital_changes_no_data() {
    for (text, expected) in [
        ("no: try again", "No: try again."),
        ("it's over!", "It's over!"),
        (
            "dev@example.com is invited already",
            "dev@example.com is invited already.",
        ),
        (
            "registry-1.docker.io is away",
            "registry-1.docker.io is away.",
        ),
        ("web-1 is taken", "web-1 is taken."),
        ("10 requests", "10 requests."),
        ("\"web\" is taken", "\"web\" is taken."),
        ("über.example is away", "über.example is away."),
        ("Reoclo is stopping", "Reoclo is stopping."),
        ("", "."),
    ] {
        assert_eq!(sentence(text), expected);
    }
}
