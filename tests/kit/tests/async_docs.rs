//! Every public async function of the driver and its adapters says what its errors are, and what happens when its future is dropped.

use std::fs;
use std::path::Path;

#[test]
fn every_async_function_says_what_fails_and_what_a_drop_costs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates");
    let (mut functions, mut complaints) = (0, Vec::new());
    for package in ["conn", "conn-tokio", "conn-async-std"] {
        each_source(&root.join(package).join("src"), &mut |path, text| {
            let (found, missing) = check(text);
            functions += found;
            let missing = missing.iter();
            complaints.extend(missing.map(|missing| format!("{}:{missing}", path.display())));
        });
    }
    println!("{functions} functions");
    assert!(functions > 60, "only {functions}");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn each_source(folder: &Path, look: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, look);
        } else if path.extension().is_some_and(|end| end == "rs") {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// How many public async functions there are, and what their documentation lacks.
fn check(text: &str) -> (usize, Vec<String>) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (mut functions, mut missing) = (0, Vec::new());
    for (n, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix("pub async fn ") else {
            continue;
        };
        functions += 1;
        let name = rest.split(['(', '<']).next().unwrap_or_default();
        let above = lines[..n].iter().rev();
        let docs = above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
        let docs: Vec<&str> = docs.copied().collect();
        // What follows the last arrow, up to the body: that of a closure among the parameters comes before it.
        let signature = lines[n..].iter().take_while(|line| **line != "{");
        let signature = signature.copied().collect::<Vec<_>>().join(" ");
        let signature = signature.split('{').next().unwrap_or_default();
        let returned = signature.rsplit_once("->").map_or("", |(_, last)| last);
        let fallible = returned.contains("Result<");
        for (heading, needed) in [("# Errors", fallible), ("# Cancel safety", true)] {
            if needed && !docs.contains(&format!("/// {heading}").as_str()) {
                missing.push(format!("{}: {name} has no `{heading}`", n + 1));
            }
        }
    }
    (functions, missing)
}

#[test]
fn a_function_that_says_nothing_is_found_out() {
    let text = "
        /// # Errors
        /// # Cancel safety
        #[must_use]
        pub async fn good(work: impl Fn() -> u8) -> Result<(), Error> {}
        /// # Cancel safety
        pub async fn bad<T>(
            x: T,
        ) -> Option<Result<T, Error>>
        where
            T: Copy,
        {}
        /// # Cancel safety
        pub async fn cannot_fail(
            result: Result<(), ()>,
        ) -> u8 {}
        pub async fn says_nothing() {}
        pub(crate) async fn ours() {}
    ";
    let (functions, missing) = check(text);
    assert_eq!(functions, 4);
    let expected = [
        "7: bad has no `# Errors`",
        "17: says_nothing has no `# Cancel safety`",
    ];
    assert_eq!(missing, expected);
}
