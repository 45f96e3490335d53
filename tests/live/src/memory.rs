//! How much memory the process holds.

/// Kibibytes of memory that the process holds; 0 where nobody tells.
///
/// # Panics
/// When the kernel tells it in another way than ever.
pub fn resident_kib() -> u64 {
    kib("VmRSS:")
}

/// Kibibytes of memory that the process has held at the most; 0 where nobody tells.
///
/// # Panics
/// When the kernel tells it in another way than ever.
pub fn peak_kib() -> u64 {
    kib("VmHWM:")
}

fn kib(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status");
    let Ok(status) = status else {
        // Without /proc what a test moves is still counted, and its memory is not measured.
        return 0;
    };
    let line = status
        .lines()
        .find(|line| line.starts_with(what))
        .expect("the kernel tells");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}
