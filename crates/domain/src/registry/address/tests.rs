use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> RegistryAddress {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn an_address_is_a_host_with_what_may_stand_around_it() {
    for (text, login_name) in [
        ("registry.example.com", "registry.example.com"),
        ("Registry.Example.COM", "registry.example.com"),
        ("localhost:5000", "localhost:5000"),
        ("https://registry.example.com/v2/", "registry.example.com"),
        ("HTTP://127.0.0.1:5000/", "127.0.0.1:5000"),
        ("ghcr.io/team/image_1", "ghcr.io"),
        ("[::1]:5000", "[::1]:5000"),
        ("https://[2001:DB8::1]", "[2001:db8::1]"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1password.example", "1password.example"),
    ] {
        assert_eq!(parsed(text).login_name(), login_name, "{text}");
        assert_eq!(parsed(text).as_str(), text);
    }
}

#[test]
fn the_scheme_is_known_where_it_is_said() {
    assert_eq!(parsed("a.example").plaintext(), None);
    assert_eq!(parsed("https://a.example").plaintext(), Some(false));
    assert_eq!(parsed("http://a.example").plaintext(), Some(true));
}

#[test]
fn docker_hub_has_many_names_and_one_login() {
    for text in [
        "docker.io",
        "https://index.docker.io/v1/",
        "registry-1.docker.io:443",
    ] {
        let address = parsed(text);
        assert_eq!(
            address.login_name(),
            "https://index.docker.io/v1/",
            "{text}"
        );
        assert_eq!(address.api_host(), "registry-1.docker.io");
    }
    assert_eq!(parsed("docker.io:5000").login_name(), "docker.io:5000");
    assert_eq!(parsed("mydocker.io").api_host(), "mydocker.io");
}

#[test]
fn each_problem_has_its_sentence() {
    for (text, error) in [
        ("", Error::Empty),
        ("a b", Error::Character),
        ("a\n", Error::Character),
        ("ä.example", Error::Character),
        ("ftp://a.example", Error::Scheme),
        ("https://user:password@a.example", Error::UserInfo),
        ("-a.example", Error::Host),
        ("https://", Error::Host),
        ("a..example", Error::Host),
        ("a.example.", Error::Host),
        ("a_b.example", Error::Host),
        ("127.1", Error::Host),
        ("0x7f000001", Error::Host),
        ("2130706433", Error::Host),
        ("0177.0.0.1", Error::Host),
        ("[::1", Error::Host),
        ("[127.0.0.1]", Error::Host),
        ("::1", Error::Port),
        ("a.example:0", Error::Port),
        ("a.example:65536", Error::Port),
        ("a.example:080", Error::Port),
        ("a.example:", Error::Port),
        ("a.example:80:80", Error::Port),
        ("a.example/../b", Error::Path),
        ("a.example//b", Error::Path),
        ("a.example/b//", Error::Path),
    ] {
        assert_eq!(text.parse::<RegistryAddress>(), Err(error), "{text:?}");
    }
    assert_eq!(
        "a".repeat(256).parse::<RegistryAddress>(),
        Err(Error::TooLong)
    );
}

/// The corpus that the tests of every layer walk.
#[test]
fn no_hostile_value_is_an_address() {
    let corpus = include_str!("../../../../testkit/corpus/hostile_registries.json");
    let values: Vec<String> = serde_json::from_str(corpus).unwrap();
    for value in values {
        assert!(value.parse::<RegistryAddress>().is_err(), "{value:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_harmless_as_an_argument(text in "(https?://)?[-a-zA-Z0-9.:/\\[\\]_~@$ ]{0,40}") {
        if let Ok(address) = text.parse::<RegistryAddress>() {
            let name = address.login_name();
            prop_assert!(!name.starts_with('-') && !name.is_empty());
            let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]/".contains(&byte);
            prop_assert!(name.bytes().all(harmless), "{}", name);
            prop_assert_eq!(parsed(&name).login_name(), name);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = text.parse::<RegistryAddress>();
    }
}
