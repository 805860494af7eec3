//! Standard output and error of a container as the engine sends them: frames, each with a head of eight bytes.
//! <https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach>

use std::collections::VecDeque;

/// A stream's number, three zeros, and the frame's length as four bytes, the highest first.
const HEAD: usize = 8;

/// Standard output's number. Standard error, which is 2, is left out: the program writes nothing there.
const STANDARD_OUTPUT: u8 = 1;

/// The longest line that is kept, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// Reads frames piece by piece, and gives the lines of standard output.
#[derive(Default)]
pub struct Frames {
    head: Vec<u8>,
    is_output: bool,
    left: usize,
    line: Vec<u8>,
    lines: VecDeque<String>,
}

impl Frames {
    /// Takes the next piece, wherever it is cut.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left == 0 {
                bytes = self.push_head(bytes);
                continue;
            }
            let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= piece.len();
            if self.is_output {
                self.push_output(piece);
            }
            bytes = rest;
        }
    }

    /// The next whole line, without its end.
    pub fn next_line(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    fn push_head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (piece, rest) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(piece);
        if let &[stream, _, _, _, a, b, c, d] = self.head.as_slice() {
            self.is_output = stream == STANDARD_OUTPUT;
            self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            self.head.clear();
        }
        rest
    }

    fn push_output(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            self.line.extend(text.iter().take(room));
            if ended {
                self.lines.push_back(String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(stream: u8, text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], length.as_slice(), text].concat()
    }

    fn lines(frames: &mut Frames) -> Vec<String> {
        std::iter::from_fn(|| frames.next_line()).collect()
    }

    #[test]
    fn lines_are_put_together_across_frames_and_standard_error_is_left_out() {
        let bytes = [frame(1, b"{\"a\""), frame(2, b"noise\n"), frame(1, b""), frame(1, b":1}\n{}\nrest")].concat();
        let mut frames = Frames::default();
        frames.push(&bytes);
        assert_eq!(lines(&mut frames), ["{\"a\":1}", "{}"]);
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory() {
        let mut frames = Frames::default();
        for _ in 0..100 {
            frames.push(&frame(1, &[b'x'; 4096]));
        }
        frames.push(&frame(1, b"\n"));
        assert_eq!(lines(&mut frames).first().map(String::len), Some(64 * 1024));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_are_cut(texts in proptest::collection::vec("[a-z\n]{0,9}", 0..9), size in 1usize..20) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| frame(1, text.as_bytes())).collect();
            let (mut whole, mut cut) = (Frames::default(), Frames::default());
            whole.push(&bytes);
            bytes.chunks(size).for_each(|piece| cut.push(piece));
            prop_assert_eq!(lines(&mut whole), lines(&mut cut));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            Frames::default().push(&bytes);
        }
    }
}
