use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Result<String, String> {
    let entry = text.parse::<AllowlistEntry>();
    entry
        .map(|entry| entry.to_string())
        .map_err(|problem| problem.to_string())
}

#[test]
fn addresses_and_networks_of_both_versions_are_entries() {
    for (text, shown) in [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        (" 10.0.0.0/8 ", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::1", "::1"),
    ] {
        assert_eq!(parsed(text).as_deref(), Ok(shown), "{text}");
    }
}

#[test]
fn what_is_mapped_means_ipv4() {
    for (text, shown) in [
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ] {
        assert_eq!(parsed(text).as_deref(), Ok(shown), "{text}");
    }
}

#[test]
fn host_bits_are_refused_with_both_readings() {
    for (text, problem) in [
        (
            "10.0.0.5/8",
            "10.0.0.5/8 has host bits set: use 10.0.0.0/8 or 10.0.0.5",
        ),
        (
            "2001:db8::1/32",
            "2001:db8::1/32 has host bits set: use 2001:db8::/32 or 2001:db8::1",
        ),
        (
            "::ffff:10.0.0.5/104",
            "10.0.0.5/8 has host bits set: use 10.0.0.0/8 or 10.0.0.5",
        ),
        (
            "::ffff:0:0/90",
            "::ffff:0.0.0.0/90 has host bits set: use ::ffc0:0:0/90 or ::ffff:0.0.0.0",
        ),
    ] {
        assert_eq!(parsed(text).unwrap_err(), problem);
    }
}

#[test]
fn anything_else_is_refused() {
    for text in [
        "",
        "localhost",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/255.0.0.0",
        "010.0.0.1",
        "2001:db8::/129",
        "fe80::1%eth0",
        "[::1]",
        "10.0.0.1:80",
        "10.0.0.1-10.0.0.9",
        "10.0.0.0/8/8",
    ] {
        let refused = text.parse::<AllowlistEntry>();
        assert_eq!(refused, Err(AllowlistEntryError::Malformed), "{text}");
    }
}

#[test]
fn a_list_without_the_clients_version_does_not_have_the_client() {
    let all_v6 = ["::/0".parse::<AllowlistEntry>().unwrap().network()];
    assert!(is_listed(&all_v6, "2001:db8::1".parse().unwrap()));
    assert!(!is_listed(&all_v6, "192.0.2.1".parse().unwrap()));
    assert!(!is_listed(&all_v6, "::ffff:192.0.2.1".parse().unwrap()));
    assert!(!is_listed(&[], "192.0.2.1".parse().unwrap()));
}

/// The reference: an address as its version and a text of bits, compared letter by letter.
fn bits(address: IpAddr) -> (u8, String) {
    match address {
        IpAddr::V4(v4) => (4, format!("{:032b}", u32::from_be_bytes(v4.octets()))),
        IpAddr::V6(v6) => {
            let text = format!("{:0128b}", u128::from_be_bytes(v6.octets()));
            let mapped = "0".repeat(80) + &"1".repeat(16);
            match text.strip_prefix(&mapped) {
                Some(v4) => (4, v4.to_owned()),
                None => (6, text),
            }
        }
    }
}

fn published(answer: &str, field: Option<&str>) -> Result<Vec<String>, String> {
    match read_published(answer.as_bytes(), field) {
        Ok(networks) => Ok(networks.iter().map(ToString::to_string).collect()),
        Err(problem) => Err(problem.to_string()),
    }
}

#[test]
fn published_lists_are_read_in_the_forms_that_are_in_use() {
    let both = Ok(vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()]);
    for (answer, field) in [
        ("192.0.2.0/24\n2001:db8::/32\n", None),
        (
            "\u{feff}# machines\r\n192.0.2.0/24 # one\r\n\r\n2001:db8::/32\t;two",
            None,
        ),
        ("192.0.2.0/24, 2001:db8::/32, 192.0.2.0/24", None),
        (r#"["192.0.2.0/24", "2001:db8::/32"]"#, None),
        (
            r#"{"actions": ["192.0.2.0/24", "2001:db8::/32"], "web": ["198.51.100.1"]}"#,
            Some("actions"),
        ),
        (
            r#"{"prefixes": [{"ip": "192.0.2.0/24", "region": "x"}, {"region": "y"}, {"ip": "2001:db8::/32"}]}"#,
            Some("prefixes.ip"),
        ),
        (
            r#"{"data": {"ranges": ["192.0.2.0/24", "2001:db8::/32"]}}"#,
            Some("data.ranges"),
        ),
        (
            r#"[{"ip": "192.0.2.0/24"}, {"ip": "2001:db8::/32"}]"#,
            Some("ip"),
        ),
    ] {
        assert_eq!(published(answer, field), both, "{answer}");
    }
}

#[test]
fn what_is_no_list_is_refused_with_the_reason() {
    for (answer, field, problem) in [
        ("", None, "the list is empty"),
        ("# nothing\n", None, "the list is empty"),
        ("[]", None, "the list is empty"),
        (
            "<!doctype html>",
            None,
            "the answer is a web page: name the address of the list itself",
        ),
        ("{", None, "the answer is no text"),
        ("[1]", None, "the networks must be texts"),
        (
            r#"{"a": [], "b": [], "c": 1}"#,
            None,
            "the answer has several fields: say which one holds the networks, such as a, b",
        ),
        (
            r#"{"a": [], "b": []}"#,
            Some("c"),
            "the answer has no field `c`: it has a, b",
        ),
        (
            "192.0.2.1",
            Some("c"),
            "the answer is a plain list without fields: leave the field out",
        ),
        (
            "0.0.0.0/0",
            None,
            "0.0.0.0/0 is wider than any provider's network: a /8 of IPv4, or a /19 of IPv6, is the most",
        ),
        (
            "::/0",
            None,
            "::/0 is wider than any provider's network: a /8 of IPv4, or a /19 of IPv6, is the most",
        ),
        (
            "192.0.2.0/24\nhome\u{1b}[2J",
            None,
            "`home\\u{1b}[2J` is neither an address nor a network: use one such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32",
        ),
    ] {
        assert_eq!(published(answer, field).unwrap_err(), problem, "{answer}");
    }
    let many: Vec<_> = (0..20_001_u32)
        .map(|number| std::net::Ipv4Addr::from_bits(number).to_string())
        .collect();
    assert!(published(&many[..20_000].join("\n"), None).is_ok());
    assert_eq!(
        published(&many.join("\n"), None).unwrap_err(),
        "the list has more than 20000 entries"
    );
}

/// Whether the reference finds `client` in `address/prefix`.
fn expected(address: IpAddr, prefix: usize, client: IpAddr) -> bool {
    let (version, network) = bits(address);
    // The prefix of a mapped network counts the bits that say that it is one.
    let prefix = match (address, version) {
        (IpAddr::V6(_), 4) => prefix - 96,
        _ => prefix,
    };
    let (client_version, client) = bits(client);
    client_version == version && client[..prefix] == network[..prefix]
}

/// Addresses of both versions, many of them mapped.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        any::<[u8; 4]>().prop_map(|v4| IpAddr::from(std::net::Ipv4Addr::from(v4).to_ipv6_mapped())),
    ]
}

/// An address that has the first bits of another one, and the rest of a third.
fn near(address: IpAddr, same_bits: u32, rest: u128) -> IpAddr {
    let mask = |width: u32| {
        u128::MAX
            .checked_shl(width - same_bits.min(width))
            .unwrap_or(0)
    };
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::try_from(mask(32) & u128::from(u32::MAX)).unwrap();
            let rest = u32::try_from(rest & u128::from(u32::MAX)).unwrap();
            IpAddr::from((u32::from(v4) & mask | rest & !mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = mask(128);
            IpAddr::from((u128::from(v6) & mask | rest & !mask).to_be_bytes())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn matching_equals_the_comparison_of_bits(
        address in address(), prefix in 0_usize..=128, same_bits in 0_u32..=128, rest: u128,
        mapped_client: bool,
    ) {
        let prefix = match address {
            IpAddr::V4(_) => prefix % 33,
            // A network that is wider than the mapped block is plain IPv6.
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => 96 + prefix % 33,
            IpAddr::V6(_) => prefix,
        };
        let network = IpNet::new(address, u8::try_from(prefix).unwrap()).unwrap().trunc();
        let entry: AllowlistEntry = network.to_string().parse().unwrap();
        let mut client = near(address, same_bits, rest);
        if let (IpAddr::V4(v4), true) = (client, mapped_client) {
            client = v4.to_ipv6_mapped().into();
        }
        prop_assert_eq!(
            is_listed(&[entry.network()], client),
            expected(address, prefix, client),
            "{} in {}", client, entry
        );
        prop_assert_eq!(
            [entry.network()].iter().collect::<Addresses>().contains(client),
            expected(address, prefix, client),
            "{} in the addresses of {}", client, entry
        );
    }

    #[test]
    fn many_networks_together_have_the_addresses_of_each(
        networks in proptest::collection::vec((address(), 0_u8..=128), 0..12),
        client in address(), same_bits in 0_u32..=128,
    ) {
        let networks: Vec<IpNet> = networks
            .into_iter()
            .map(|(address, prefix)| {
                let address = address.to_canonical();
                let prefix = if address.is_ipv4() { prefix % 33 } else { prefix };
                IpNet::new(address, prefix).unwrap().trunc()
            })
            .collect();
        let together: Addresses = networks.iter().collect();
        let near = networks.first().map(|network| near(network.addr(), same_bits, 7));
        let edges = networks.iter().flat_map(|network| [network.network(), network.broadcast()]);
        for client in edges.chain([client]).chain(near) {
            prop_assert_eq!(together.contains(client), is_listed(&networks, client), "{}", client);
        }
    }

    #[test]
    fn any_answer_is_a_list_or_refused(text in ".*", field in proptest::option::of(".*")) {
        let _ = read_published(text.as_bytes(), field.as_deref());
    }

    #[test]
    fn an_entry_is_read_as_it_is_shown(address in address(), prefix in 0_u8..=128) {
        let prefix = if address.is_ipv4() { prefix % 33 } else { prefix };
        let text = format!("{address}/{prefix}");
        match text.parse::<AllowlistEntry>() {
            Ok(entry) => prop_assert_eq!(entry.to_string().parse(), Ok(entry)),
            Err(AllowlistEntryError::HostBits { entry }) => {
                let network: AllowlistEntry = entry.trunc().to_string().parse().unwrap();
                prop_assert!(network.network().contains(&entry.addr()));
                prop_assert!(entry.addr().to_string().parse::<AllowlistEntry>().is_ok());
            }
            Err(AllowlistEntryError::Malformed) => prop_assert!(false, "{} is refused", text),
        }
    }

    #[test]
    fn any_text_is_an_entry_or_refused_without_a_panic(text in ".*") {
        let _ = text.parse::<AllowlistEntry>();
    }
}
