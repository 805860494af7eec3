//! Takes the gateway's record, which nobody else reads here.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use tokio::sync::oneshot;

use crate::gateway::{Line, RecordEvent};
use crate::report::Calls;

/// What the record says so far.
pub struct Tap(Rc<RefCell<Calls>>);

/// Where the gateway writes.
pub struct TapWriter {
    calls: Rc<RefCell<Calls>>,
    ready: Option<oneshot::Sender<u16>>,
}

impl Tap {
    /// Also returns where the gateway writes, and what waits for its port.
    pub fn new() -> (Self, TapWriter, oneshot::Receiver<u16>) {
        let calls: Rc<RefCell<Calls>> = Rc::default();
        let (sender, ready) = oneshot::channel();
        (Self(Rc::clone(&calls)), TapWriter { calls, ready: Some(sender) }, ready)
    }

    /// What was called.
    pub fn calls(&self) -> Calls {
        self.0.take()
    }
}

/// The gateway writes whole lines.
impl Write for TapWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.calls.borrow_mut().read(line);
            if let Some(ready) = self.ready.take() {
                match serde_json::from_str(line) {
                    Ok(Line { event: RecordEvent::Ready, port: Some(port), .. }) => drop(ready.send(port)),
                    _ => self.ready = Some(ready),
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
