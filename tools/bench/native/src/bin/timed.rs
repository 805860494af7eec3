//! Runs a program once and writes what it took as JSON: `timed RESULT PROGRAM [ARGUMENT]...`
//!
//! A program of its own, because Linux lets a process start with the peak memory of the one that it was started from.

use std::error::Error;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use serde_json::json;
use wait4::Wait4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args_os().skip(1);
    let (Some(result), Some(program)) = (words.next(), words.next()) else {
        return Err("usage: timed RESULT PROGRAM [ARGUMENT]...".into());
    };
    let mut command = Command::new(program);
    command.args(words);
    let started = Instant::now();
    let used = command.spawn()?.wait4()?;
    let wall = started.elapsed();
    let cpu = used.rusage.utime + used.rusage.stime;
    let line = json!({ "code": used.status.code(), "wall": wall.as_secs_f64(), "cpu": cpu.as_secs_f64(), "peak": used.rusage.maxrss });
    fs::write(result, line.to_string())?;
    Ok(())
}
