//! Runs a program to its end.

use super::error::{Doing, StartError};
use std::{
    fs::File,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

/// What a program is given to read.
pub(super) enum Input<'a> {
    Nothing,
    Text(&'a str),
    /// For a program that runs as another account, which may not be able to open it.
    File(&'a Path),
}

/// Runs it, and gives what it wrote to its standard output.
pub(super) fn run(command: &mut Command, input: &Input<'_>) -> Result<String, StartError> {
    let program = Path::new(command.get_program())
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let doing = || format!("running {program}");
    let stdin = match input {
        Input::Nothing => Stdio::null(),
        Input::Text(_) => Stdio::piped(),
        Input::File(path) => File::open(path).doing(doing)?.into(),
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing(doing)?;
    if let (Input::Text(text), Some(mut pipe)) = (input, child.stdin.take()) {
        // A program that ended before it had read all says why by itself.
        let _ = pipe.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().doing(doing)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(StartError::Program {
            output: last_words(&output),
            program,
        })
    }
}

fn last_words(output: &Output) -> String {
    let both = [&output.stdout[..], b"\n", &output.stderr[..]].concat();
    match last_lines(&String::from_utf8_lossy(&both), 10) {
        words if words.is_empty() => output.status.to_string(),
        words => words,
    }
}

/// The last lines of a text that are not empty.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Writes a program for tests. A shell does it: if this process held the file open for writing, a
/// child that another thread starts at that moment would too, and the program could not be run.
#[cfg(test)]
pub(super) fn script(path: &Path, body: &str) {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", r#"cat >"$1" && chmod 755 "$1""#, "sh"])
        .arg(path);
    run(&mut shell, &Input::Text(&format!("#!/bin/sh\n{body}\n"))).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_comes_back() {
        assert_eq!(
            run(&mut shell("cat"), &Input::Text("hello")).unwrap(),
            "hello"
        );
        assert_eq!(run(&mut shell("cat"), &Input::Nothing).unwrap(), "");
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let failure = |script| {
            run(&mut shell(script), &Input::Nothing)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            failure("echo one; echo two >&2; exit 3"),
            "sh failed: one\ntwo"
        );
        assert_eq!(failure("exit 3"), "sh failed: exit status: 3");
    }

    #[test]
    fn last_lines_skip_empty_ones() {
        assert_eq!(last_lines("a\n\nb\n \nc\n", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}
