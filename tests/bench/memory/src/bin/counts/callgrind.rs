//! This program, run under callgrind.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use purepg_bench_memory::heap;

use crate::COUNTED;

/// What is counted, and nothing else is: [`counted`] with all that it calls.
const TOGGLE: &str = "--toggle-collect=counts::callgrind::counted";

/// Where callgrind finds what to count, by its name.
#[inline(never)]
pub(crate) fn counted(turn: &mut dyn FnMut() -> u64) {
    black_box(turn());
}

/// Where everything is.
pub(crate) struct Callgrind {
    valgrind: PathBuf,
    /// This program, in its folder.
    folder: PathBuf,
    program: OsString,
    /// What callgrind writes.
    output: PathBuf,
}

impl Callgrind {
    /// An error where it is not installed.
    pub(crate) fn find() -> Result<Self, Box<dyn Error>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|folder| folder.join("valgrind"));
        let valgrind = places.find(|place| place.is_file());
        let valgrind =
            valgrind.ok_or("valgrind is not installed, and it is what counts instructions")?;
        let program = std::env::current_exe()?;
        let name = program.file_name().ok_or("a program has a name")?;
        let folder = program.parent().unwrap_or(Path::new("/")).to_owned();
        let output = folder.join("callgrind");
        fs::create_dir_all(&output)?;
        Ok(Self {
            valgrind,
            program: Path::new(".").join(name).into(),
            folder,
            output,
        })
    }

    /// Instructions of one turn of a contestant.
    pub(crate) fn count(&self, name: &str) -> Result<u64, Box<dyn Error>> {
        let letters = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = letters.filter(|word| !word.is_empty()).collect();
        let file = self.output.join(words.join("-"));
        let mut run = Command::new(&self.valgrind);
        run.args(["--quiet", "--tool=callgrind", TOGGLE]);
        run.arg(format!("--callgrind-out-file={}", file.display()));
        run.arg(&self.program).args([COUNTED, name]);
        // Where the stack begins depends on the environment and on the program's path, and how memory is copied on where it is.
        run.current_dir(&self.folder).env_clear();
        run.envs(heap::KEPT);
        let output = run.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{name}: {}\n{said}", output.status).into());
        }
        let profile = fs::read_to_string(&file)?;
        let mut lines = profile.lines();
        let total = lines.find_map(|line| line.strip_prefix("totals: "));
        match total.and_then(|total| total.trim().parse().ok()) {
            Some(total) if total > 0 => Ok(total),
            _ => Err(format!("{name}: callgrind has counted nothing").into()),
        }
    }

    /// The profiles.
    pub(crate) fn files(&self) -> String {
        self.output.join("*").display().to_string()
    }
}
