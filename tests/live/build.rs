//! Makes tests of the code in the pages of `docs` that are about use, for `tests/guide.rs` to include.
//!
//! Each block of `rust` is a test that is named after its heading, for each runtime that it does not leave out by naming the other one;
//! `rust,no_run` is a program, which is compiled. The block of `sql` is run before each of them.

use std::path::PathBuf;
use std::{env, fs};

/// The pages, by their names as modules.
const PAGES: [(&str, &str); 2] = [
    ("guide", "docs/guide.md"),
    ("own_types", "docs/own-types.md"),
];

/// What is between two fences.
struct Block {
    language: String,
    heading: String,
    /// Of its first line, from 1.
    line: usize,
    code: String,
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    let write = |name: &str, text: String| fs::write(out.join(name), text).expect("it can write");
    for (page, file) in PAGES {
        let path = format!("../../{file}");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(&path).expect("the page is there");
        let blocks = blocks(&text);
        let sql = blocks.iter().filter(|block| block.language == "sql");
        write(
            &format!("{page}.sql"),
            sql.map(|block| block.code.as_str()).collect(),
        );
        let runtimes = ["tokio", "async_std"];
        let both = |block: &&Block| runtimes.iter().all(|runtime| block.code.contains(runtime));
        if let Some(block) = blocks.iter().find(both) {
            panic!(
                "{file}:{}: it names both runtimes, so it runs on neither",
                block.line
            );
        }
        for (runtime, other) in [("tokio", "async_std"), ("async_std", "tokio")] {
            let mine = blocks.iter().filter(|block| !block.code.contains(other));
            let tests = mine.filter_map(|block| block.test(file));
            write(&format!("{page}_{runtime}.rs"), tests.collect());
        }
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading = "";
    let mut open: Option<Block> = None;
    for (n, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    heading: heading.to_owned(),
                    line: n + 2,
                    code: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.code.extend([line, "\n"]),
            (None, None) => {
                if let Some(text) = line.strip_prefix('#') {
                    heading = text.trim_start_matches('#').trim();
                }
            }
        }
    }
    assert!(open.is_none(), "a block of the page has no end");
    blocks
}

impl Block {
    fn test(&self, file: &str) -> Option<String> {
        let Self { line, code, .. } = self;
        let name = self.name();
        match self.language.as_str() {
            "rust" => Some(format!(
                "#[test]\nfn {name}_line_{line}() {{\n\
                 run(\"{file}:{line}\", async |config: Config, mut conn: Connection| {{\n{code}Ok(())\n}});\n}}\n\n"
            )),
            "rust,no_run" => Some(format!("mod {name}_line_{line} {{\n{code}}}\n\n")),
            "sql" | "text" => None,
            other => panic!("{file}:{line}: nobody knows what to do with {other:?}"),
        }
    }

    /// Its heading, as an identifier.
    fn name(&self) -> String {
        let words = self.heading.to_lowercase();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("_")
    }
}
