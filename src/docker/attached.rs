//! The program in a container: what it is told, and what it says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::engine::Engine;
use super::error::Error;
use super::frames::Frames;
use super::task::Task;

/// How much is read at once, in bytes.
const PIECE: usize = 4096;

/// The attached standard input and output.
pub struct Attached<'a> {
    engine: &'a Engine,
    stream: reqwest::Upgraded,
    frames: Frames,
}

impl<'a> Attached<'a> {
    pub(super) async fn to(engine: &'a Engine, name: &str) -> Result<Self, Error> {
        let query = [("stream", "1"), ("stdin", "1"), ("stdout", "1"), ("stderr", "1")];
        let stream = engine.upgrade(Task::Attach, &format!("containers/{name}/attach"), &query).await?;
        Ok(Self { engine, stream, frames: Frames::default() })
    }

    /// Writes a line, with its end, to the program's standard input.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn say(&mut self, line: &[u8]) -> Result<(), Error> {
        let written = async {
            self.stream.write_all(line).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| self.engine.no_answer(Task::Attach, &error.to_string()))
    }

    /// The next line of its standard output; `None` when it has ended.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn hear(&mut self) -> Result<Option<String>, Error> {
        let mut piece = [0; PIECE];
        loop {
            if let Some(line) = self.frames.next_line() {
                return Ok(Some(line));
            }
            match self.stream.read(&mut piece).await {
                Ok(0) => return Ok(None),
                Ok(read) => self.frames.push(piece.get(..read).unwrap_or_default()),
                Err(error) => return Err(self.engine.no_answer(Task::Attach, &error.to_string())),
            }
        }
    }
}
