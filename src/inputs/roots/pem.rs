//! PEM (RFC 7468), as it reaches an input: joined without line ends, with its lines joined by blanks, with text around the blocks.

use data_encoding::BASE64;

/// What a block begins with.
pub const BEGIN: &str = "-----BEGIN ";

const DASHES: &str = "-----";

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// What it says that it is.
    pub label: &'a str,
    /// What it holds.
    pub der: Vec<u8>,
}

/// Why a block can't be read. Blocks are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockError {
    /// `\n` as two characters.
    EscapedLineEnds,
    /// No `-----END` of this kind.
    NoEnd(usize),
    /// Something else between its two lines.
    NotBase64(usize),
}

/// All blocks of a text.
pub fn blocks(text: &str) -> impl Iterator<Item = Result<Block<'_>, BlockError>> {
    text.split(BEGIN).skip(1).enumerate().map(|(index, rest)| block(index + 1, rest))
}

/// A block, from its label on.
fn block(number: usize, rest: &str) -> Result<Block<'_>, BlockError> {
    let (label, rest) = rest.split_once(DASHES).ok_or(BlockError::NoEnd(number))?;
    let (body, _) = rest.split_once(&format!("-----END {label}{DASHES}")).ok_or(BlockError::NoEnd(number))?;
    if body.contains("\\n") {
        return Err(BlockError::EscapedLineEnds);
    }
    let base64: Vec<_> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let der = BASE64.decode(&base64).map_err(|_| BlockError::NotBase64(number))?;
    Ok(Block { label, der })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<(&str, Vec<u8>), BlockError>> {
        blocks(text).map(|block| block.map(|block| (block.label, block.der))).collect()
    }

    #[test]
    fn every_block_is_read() {
        let block = "-----BEGIN CERTIFICATE-----\nAQI=\n-----END CERTIFICATE-----";
        let found = || Ok(("CERTIFICATE", vec![1, 2]));
        for text in [
            block.to_owned(),
            format!("\u{feff}{block}\n"),
            format!("# our root\n{block}\nthe end"),
            block.replace('\n', "\r\n"),
            block.replace('\n', " "),
            block.replace('\n', ""),
        ] {
            assert_eq!(read(&text), [found()], "{text}");
        }
        assert_eq!(read(&format!("{block}{block}")), [found(), found()]);
        assert_eq!(read("no block"), []);
    }

    #[test]
    fn no_block_is_passed_over() {
        let block = "-----BEGIN CERTIFICATE-----\nAQI=\n-----END CERTIFICATE-----\n";
        assert_eq!(read(&format!("{block}-----BEGIN CERTIFICATE-----\nAQI=")).last(), Some(&Err(BlockError::NoEnd(2))));
        assert_eq!(read(&block.replace("END CERT", "END A CERT")), [Err(BlockError::NoEnd(1))]);
        assert_eq!(read(&block.replace("AQI=", "AQ!=")), [Err(BlockError::NotBase64(1))]);
        assert_eq!(read(&block.replace("\nA", "\\nA")), [Err(BlockError::EscapedLineEnds)]);
    }
}
