//! What each contestant takes, by itself: of some races a hundred or a thousand units at a time.

use divan::Bencher;
use divan::counter::ItemsCount;
use purepg_bench_memory::heap;
use purepg_bench_memory::races::{self, Contestant, Race};

fn main() {
    if heap::is_kept() {
        divan::main();
    }
}

/// A benchmark for each race, whose arguments are the contestants.
macro_rules! benchmarks {
    ($($name:ident: $race:ident,)*) => {
        $(
            #[divan::bench(args = races::$race.contestants)]
            fn $name(bencher: Bencher<'_, '_>, contestant: &Contestant) {
                time(bencher, &races::$race, *contestant);
            }
        )*
    };
}

benchmarks! {
    rows_of_three_columns: THREE_COLUMNS,
    rows_of_ten_columns: TEN_COLUMNS,
    ten_values_decoded: DECODE,
    ten_values_encoded: ENCODE,
    select_1_simple: SIMPLE,
    select_1_prepared: PREPARED,
    select_1_pipelined: PIPELINED,
    scram: SCRAM,
    connecting: CONNECT,
    one_statement: ONE,
    a_hundred_statements: TOGETHER,
    copy: COPY,
}

fn time(bencher: Bencher<'_, '_>, race: &Race, contestant: Contestant) {
    let turn = (contestant.prepare)(race.together);
    bencher
        .counter(ItemsCount::new(race.together))
        .bench_local(turn);
}
