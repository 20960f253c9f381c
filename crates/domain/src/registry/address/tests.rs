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

#[test]
fn a_registry_is_known_by_every_name_that_programs_file_it_under() {
    for (address, names, others) in [
        (
            "https://Registry.example.com/team",
            &[
                "registry.example.com",
                "https://registry.example.com/v1/",
                "HTTP://REGISTRY.example.com/v2/x",
                " registry.example.com./",
                "https://user@registry.example.com:443",
            ][..],
            &[
                "registry.example.com:80",
                "example.com",
                "registry.example.com.evil.org",
                "",
            ][..],
        ),
        (
            "registry.example.com:443",
            &["registry.example.com", "registry.example.com:443"],
            &["registry.example.com:5000"],
        ),
        (
            "localhost:5000",
            &["http://localhost:5000/v2/", "localhost:5000"],
            &[
                "localhost",
                "localhost:05000",
                "localhost:",
                "127.0.0.1:5000",
            ],
        ),
        (
            "[2001:DB8::1]:5000",
            &["https://[2001:db8:0::1]:5000"],
            &["[2001:db8::1]", "[2001:db8::1"],
        ),
        (
            "docker.io",
            &[
                "https://index.docker.io/v1/",
                "index.docker.io",
                "docker.io/library",
                "registry-1.docker.io",
            ],
            &["docker.io:5000", "xdocker.io", "https:///docker.io"],
        ),
    ] {
        let address = parsed(address);
        for name in names {
            assert!(address.is_filed_as(name), "{address} {name:?}");
        }
        for name in others {
            assert!(!address.is_filed_as(name), "{address} {name:?}");
        }
        assert!(address.is_filed_as(&address.login_name()), "{address}");
    }
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
            prop_assert_eq!(parsed(&name).login_name(), &*name);
            prop_assert!(address.is_filed_as(&name), "{}", name);
            prop_assert!(address.is_filed_as(&text), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = text.parse::<RegistryAddress>();
        let _ = parsed("a.example").is_filed_as(&text);
    }
}
