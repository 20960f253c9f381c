use super::*;

fn problem(exec: ExecCommand) -> String {
    match exec.validate() {
        Err(refusal) => refusal.to_string(),
        Ok(_) => "nothing".into(),
    }
}

fn command(text: &str) -> ExecCommand {
    ExecCommand {
        command: text.into(),
        ..ExecCommand::default()
    }
}

#[test]
fn the_limits_are_where_the_design_says() {
    assert!(command(&"ü".repeat(8_192)).validate().is_ok());
    assert!(problem(command(&"a".repeat(8_193))).starts_with("command "));
    assert!(problem(command("a\0b")).starts_with("command "));
    assert!(problem(command(" \n")).starts_with("command "));
    for seconds in [0, 901, -1, i64::MAX] {
        let exec = ExecCommand {
            timeout_seconds: Some(seconds),
            ..command("true")
        };
        assert!(problem(exec).starts_with("timeout_seconds "), "{seconds}");
    }
    for seconds in [1, 900] {
        let exec = ExecCommand {
            timeout_seconds: Some(seconds),
            ..command("true")
        };
        assert_eq!(
            i64::from(exec.validate().ok().unwrap().timeout_seconds),
            seconds
        );
    }
}

#[test]
fn mask_names_variables_that_are_there() {
    let env = BTreeMap::from([
        ("FOO".to_owned(), "vallue-1234".to_owned()),
        ("BAR".to_owned(), String::new()),
    ]);
    let with = |mask: &[&str]| ExecCommand {
        env: env.clone(),
        mask: Some(mask.iter().map(|&name| name.to_owned()).collect()),
        ..command("true")
    };
    for mask in [&[][..], &["FOO"], &["BAR", "FOO", "FOO"]] {
        assert!(with(mask).validate().is_ok(), "{mask:?}");
    }
    let unknown = problem(with(&["FO", "BAR", "BAZ"]));
    assert!(unknown.starts_with("mask must have names"), "{unknown}");
    assert!(unknown.contains("\"FO\" is not in env"), "{unknown}");
    assert!(unknown.contains("\"BAZ\" is not in env"), "{unknown}");
    assert!(!unknown.contains("BAR"), "{unknown}");
    // A value there is a mistake that is easily made, and the answer does not print it.
    for value in ["vallue-1234", "vallue"] {
        let told = problem(with(&["FOO", value]));
        assert!(
            told.contains("entry 2 is from the value of \"FOO\""),
            "{told}"
        );
        assert!(!told.contains("vallue"), "{told}");
    }
    for entry in ["hunter-22", "", "a=b", " FOO"] {
        let told = problem(with(&[entry]));
        assert!(told.contains("entry 1 is not in env"), "{told}");
        assert!(entry.is_empty() || !told.contains(entry), "{told}");
    }
    let many: Vec<_> = (0..1000).map(|number| format!("V{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(problem(with(&many)).len() < 500);
    let alone = ExecCommand {
        mask: Some(vec!["FOO".into()]),
        ..command("true")
    };
    assert!(problem(alone).contains("\"FOO\" is not in env"));
}

#[test]
fn env_is_bounded_and_has_plain_names() {
    let with = |env: BTreeMap<String, String>| ExecCommand {
        env,
        ..command("true")
    };
    let many = |count: usize| {
        (0..count)
            .map(|n| (format!("V{n}"), String::new()))
            .collect()
    };
    assert!(with(many(200)).validate().is_ok());
    assert!(problem(with(many(201))).starts_with("env "));
    let named = |name: &str| BTreeMap::from([(name.to_owned(), "x".to_owned())]);
    for name in [
        "",
        "A=B",
        "A\0B",
        "a.b",
        "a-b",
        "1A",
        "A B",
        "\u{e9}",
        "A\u{202e}",
        "A\n",
        "BASH_FUNC_x%%",
    ] {
        assert!(problem(with(named(name))).starts_with("env "), "{name:?}");
    }
    assert!(problem(with(named("my.name"))).contains("\"my.name\""));
    for name in ["A", "_", "a1_B"] {
        assert!(with(named(name)).validate().is_ok(), "{name:?}");
    }
    let env = BTreeMap::from([("A".to_owned(), "x".repeat(64 * 1024))]);
    assert!(problem(with(env)).starts_with("env "));
    let env = BTreeMap::from([("A".to_owned(), "x\0".to_owned())]);
    assert!(problem(with(env)).starts_with("env "));
}

#[test]
fn a_command_that_names_its_interpreter_gets_every_variable() {
    let with = |command_text: &str, name: &str| ExecCommand {
        env: BTreeMap::from([(name.to_owned(), "x".to_owned())]),
        ..command(command_text)
    };
    for name in ["a.b", "a-b", "1A", "BASH_FUNC_x%%", "\u{e9}"] {
        assert!(
            with("#!/bin/bash\nenv", name).validate().is_ok(),
            "{name:?}"
        );
        assert!(problem(with(" #!/bin/bash\nenv", name)).starts_with("env "));
    }
    for name in ["", "A=B", "A\0B"] {
        assert!(problem(with("#!/bin/bash\nenv", name)).starts_with("env "));
    }
    for text in ["#!", "#!bash", "#! \n/bin/sh", "#!./x\n"] {
        assert!(problem(command(text)).starts_with("command "), "{text:?}");
    }
}

#[test]
fn line_ends_of_another_system_become_ours_in_the_command_alone() {
    let exec = ExecCommand {
        env: BTreeMap::from([("A".to_owned(), "1\r\n2".to_owned())]),
        ..command("#!/bin/sh\r\necho a\r\n")
    };
    let valid = exec.validate().ok().unwrap();
    assert_eq!(valid.payload.command, "#!/bin/sh\necho a\n");
    assert_eq!(valid.masked_command, "#!/bin/sh\necho a\n");
    assert_eq!(valid.payload.env["A"], "1\r\n2");
}

#[test]
fn without_a_limit_it_is_what_the_clients_promise() {
    let valid = command("true").validate().ok().unwrap();
    assert_eq!(valid.timeout_seconds, 600);
}

#[test]
fn every_problem_is_named_at_once() {
    let exec = ExecCommand {
        timeout_seconds: Some(0),
        ..command("")
    };
    let text = problem(exec);
    assert!(
        text.contains("command ") && text.contains("timeout_seconds "),
        "{text}"
    );
}

#[test]
fn secrets_of_env_and_urls_are_masked_in_what_is_kept() {
    let env = BTreeMap::from([("API_TOKEN".to_owned(), "s3cr3t-value".to_owned())]);
    let text = "echo s3cr3t-value; git clone https://x:ghs_token@host/r";
    let valid = ExecCommand {
        env,
        ..command(text)
    }
    .validate()
    .ok()
    .unwrap();
    assert_eq!(
        valid.masked_command,
        "echo ***; git clone https://x:***@host/r"
    );
    assert_eq!(valid.payload.mask, ["ghs_token", "s3cr3t-value"]);
    assert_eq!(valid.payload.command, text);
}
