use super::*;

fn contain(networks: &Networks, address: &str) -> bool {
    networks.reach(address.parse().unwrap()) == Reach::Reached
}

#[test]
fn what_is_not_public_is_not_reached() {
    let public = Networks::default();
    for address in [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
    ] {
        assert!(!contain(&public, address), "{address}");
    }
}

#[test]
fn what_is_public_is_reached() {
    let public = Networks::default();
    for address in [
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.255.255",
        "192.167.255.255",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2606:4700::1111",
        "2a00:1450::1",
    ] {
        assert!(contain(&public, address), "{address}");
    }
}

#[test]
fn an_instance_may_allow_more() {
    let networks = ["127.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
    let networks = Networks::new(&networks, None);
    for address in ["127.0.0.1", "::ffff:127.0.0.1", "fd12::1", "1.1.1.1"] {
        assert!(contain(&networks, address), "{address}");
    }
    for address in ["10.0.0.1", "::1", "169.254.169.254"] {
        assert!(!contain(&networks, address), "{address}");
    }
}

#[test]
fn an_organization_trusts_private_networks_and_nothing_else() {
    let networks = [
        "10.0.0.0/8",
        "100.64.0.0/10",
        "fd00::/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
    ];
    let networks = networks.map(|net| net.parse().unwrap());
    let networks = Networks::new(&[], Some(networks.into()));
    for address in [
        "10.1.2.3",
        "100.64.0.9",
        "fd12::1",
        "::ffff:10.1.2.3",
        "1.1.1.1",
    ] {
        assert!(contain(&networks, address), "{address}");
    }
    for address in [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:42::42",
        "fe80::1",
        "0.0.0.0",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
    ] {
        let reach = networks.reach(address.parse().unwrap());
        assert_eq!(reach, Reach::Never, "{address}");
    }
    let reach = networks.reach("192.168.1.1".parse().unwrap());
    assert_eq!(reach, Reach::Private);
    // Where organizations may trust nothing, nobody is told to.
    let reach = Networks::default().reach("192.168.1.1".parse().unwrap());
    assert_eq!(reach, Reach::Never);
}

#[test]
fn a_network_to_trust_is_a_private_one() {
    let read = |text: &str| text.parse::<TrustedNetwork>();
    for text in [
        "10.0.0.0/8",
        "10.0.0.5",
        "172.16.0.0/12",
        "192.168.7.0/24",
        "100.64.0.0/10",
        "fd12:3456::/32",
        "fc00::/7",
    ] {
        assert!(read(text).is_ok(), "{text}");
    }
    for (text, problem) in [
        ("1.1.1.1", TrustedNetworkError::Public),
        ("2606:4700::/32", TrustedNetworkError::Public),
        ("127.0.0.1", TrustedNetworkError::Never),
        ("169.254.0.0/16", TrustedNetworkError::Never),
        ("100.100.100.200", TrustedNetworkError::Never),
        ("fd00:ec2::254", TrustedNetworkError::Never),
        ("::1", TrustedNetworkError::Never),
        ("fe80::/10", TrustedNetworkError::Never),
        ("0.0.0.0/0", TrustedNetworkError::Wide),
        ("::/0", TrustedNetworkError::Wide),
        ("192.0.0.0/8", TrustedNetworkError::Wide),
    ] {
        assert_eq!(read(text), Err(problem), "{text}");
    }
    let host_bits = read("10.0.0.5/8").unwrap_err().to_string();
    assert!(host_bits.contains("10.0.0.0/8 or 10.0.0.5"), "{host_bits}");
}

#[test]
fn the_machine_itself_is_known_by_its_addresses() {
    let own = |address: &str| is_own(address.parse().unwrap());
    assert!(own("127.0.0.1"));
    assert!(!own("192.0.2.1"));
}
