//! In which order what can be tried is tried.

/// Brings things into an order that is as likely as any other (Fisher and Yates). Without random numbers the order stays: no secret
/// depends on it.
pub(super) fn shuffle<T, E>(items: &mut [T], draw: impl Fn() -> Result<u64, E>) {
    for last in (1..items.len()).rev() {
        let Ok(random) = draw() else {
            return;
        };
        items.swap(last, scale(random, last + 1));
    }
}

/// A number below `bound`.
fn scale(random: u64, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    let scaled = (u128::from(random) * u128::from(bound)) >> 64;
    usize::try_from(scaled).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn acceptance_07_every_order_is_as_likely() {
        // The middle of every sixth of the range, twice: thirds and halves of it come as often.
        let middle = |sixth: u64| u64::MAX / 12 * (2 * sixth + 1);
        let mut orders = HashMap::new();
        for first in 0..6 {
            for second in 0..6 {
                let numbers = RefCell::new(vec![middle(second), middle(first)]);
                let mut items = ["a", "b", "c"];
                shuffle(&mut items, || numbers.borrow_mut().pop().ok_or(()));
                *orders.entry(items.concat()).or_insert(0) += 1;
            }
        }
        assert_eq!(orders.len(), 6);
        assert!(orders.values().all(|times| *times == 6), "{orders:?}");
    }

    #[test]
    fn without_random_numbers_the_order_stays() {
        let mut items = [1, 2, 3];
        shuffle(&mut items, || Err(()));
        assert_eq!(items, [1, 2, 3]);
        shuffle::<i32, ()>(&mut [], || Ok(0));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        for bound in [1, 2, 3, 1_000] {
            assert_eq!(scale(0, bound), 0);
            assert_eq!(scale(u64::MAX, bound), bound - 1);
        }
    }
}
