//! The help, as it is meant to be read, of the real binary.

use std::process::Command;

fn help_of(command: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_rememo"))
        .args(command)
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout).unwrap()
}

/// Every command, as the help itself lists them.
fn commands() -> Vec<String> {
    let help = help_of(&[]);
    let listed = help.split("Commands:\n").nth(1).unwrap();
    listed
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_is_as_it_is_meant_to_be() {
    let mut all = vec![help_of(&[])];
    for command in commands() {
        all.push(format!(
            "---- rememo {command} ----\n\n{}",
            help_of(&[&command])
        ));
    }
    insta::assert_snapshot!("help", all.join("\n"));
}

#[test]
fn mistakes_are_answered_with_what_may_have_been_meant() {
    let done = Command::new(env!("CARGO_BIN_EXE_rememo"))
        .arg("stat")
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(done.stderr).unwrap());
}
