//! Chance that repeats: what is thrown depends on the run's seed, on what it is thrown for, and on nothing else.

use std::cell::RefCell;
use std::ops::Range;

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

pub struct Dice(RefCell<TestRng>);

impl Dice {
    /// For the `number`-th of something in the run. The order in which things happen must not matter, so each has dice of its own.
    pub fn of(seed: u64, what: &str, number: usize) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&(number as u64).to_le_bytes());
        let name = what.as_bytes();
        bytes[16..16 + name.len()].copy_from_slice(name);
        Self(RefCell::new(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)))
    }

    pub fn percent(&self, chance: u32) -> bool {
        self.0.borrow_mut().random_range(0..100) < chance
    }

    /// As [`Dice::percent`], for what the step is known to judge otherwise than agents do: only if `HOSTILE_UNFIXED` is set.
    pub fn unfixed(&self, chance: u32) -> bool {
        self.percent(chance) && std::env::var_os("HOSTILE_UNFIXED").is_some()
    }

    pub fn number(&self, range: Range<usize>) -> usize {
        self.0.borrow_mut().random_range(range)
    }

    pub fn pick<'a, T: ?Sized>(&self, items: &[&'a T]) -> &'a T {
        items[self.number(0..items.len())]
    }

    pub fn any<T: Clone>(&self, items: &[T]) -> T {
        items[self.number(0..items.len())].clone()
    }

    /// One of several things, each as likely as its weight says.
    pub fn weighted<T: Clone>(&self, items: &[(usize, T)]) -> T {
        let mut at = self.number(0..items.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in items {
            if at < *weight {
                return item.clone();
            }
            at -= weight;
        }
        items[0].1.clone()
    }

    /// So many characters of an alphabet.
    pub fn text(&self, alphabet: &str, length: Range<usize>) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let length = self.number(length);
        (0..length).map(|_| self.any(&alphabet)).collect()
    }
}
