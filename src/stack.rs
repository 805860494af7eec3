//! The stack, where functions that have returned leave copies by the word, which no type of ours knows of.

use std::hint::black_box;

/// How deep the exchange gets, with all that is told of it. Without optimisation everything is several times as deep.
const EXCHANGE: usize = if cfg!(debug_assertions) { 480 * 1024 } else { 76 * 1024 };

/// How deep the preflight gets.
const PREFLIGHT: usize = if cfg!(debug_assertions) { 480 * 1024 } else { 104 * 1024 };

/// Wipes what the exchange left below the caller.
pub fn wipe() {
    overwrite::<EXCHANGE>();
}

/// Wipes what the preflight left, however it ends: a cancelled one is dropped. A page that is wiped is a page that is used, so
/// what the preflight alone reaches is wiped only where there was one.
#[derive(Debug)]
pub struct WipedPreflight;

impl Drop for WipedPreflight {
    fn drop(&mut self) {
        overwrite::<PREFLIGHT>();
    }
}

#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "the stack is what it is for")]
fn overwrite<const SIZE: usize>() {
    // Without the box nothing would be written, since nothing reads it; and what can't change would not lie on the stack.
    black_box(&mut [0_u8; SIZE]);
}
