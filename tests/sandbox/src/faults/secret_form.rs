//! A secret in the forms in which a server might repeat it.

use std::fmt::Write as _;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// A form in which a secret can leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretForm {
    /// Unchanged.
    Raw,
    /// In base64.
    Base64,
    /// In base64 for URLs, without padding.
    Base64Url,
    /// In base64 behind `id:`, as in an `Authorization: Basic` header.
    Basic,
    /// In lower-case hexadecimal.
    Hex,
    /// In upper-case hexadecimal.
    HexUpper,
    /// Every byte percent-encoded.
    Percent,
    /// Every character as a JSON escape such as `\u0041`.
    Unicode,
}

impl SecretForm {
    /// Every form.
    pub const ALL: [Self; 8] =
        [Self::Raw, Self::Base64, Self::Base64Url, Self::Basic, Self::Hex, Self::HexUpper, Self::Percent, Self::Unicode];

    /// The secret in this form.
    #[must_use]
    pub fn of(self, secret: &str) -> String {
        let bytes = secret.as_bytes();
        let mut text = String::new();
        match self {
            Self::Raw => text.push_str(secret),
            Self::Base64 => BASE64.encode_append(bytes, &mut text),
            Self::Base64Url => BASE64URL_NOPAD.encode_append(bytes, &mut text),
            Self::Basic => BASE64.encode_append(format!("id:{secret}").as_bytes(), &mut text),
            Self::Hex => HEXLOWER.encode_append(bytes, &mut text),
            Self::HexUpper => HEXUPPER.encode_append(bytes, &mut text),
            // Writing to a `String` can't fail.
            Self::Percent => bytes.iter().for_each(|b| {
                let _ = write!(text, "%{b:02X}");
            }),
            Self::Unicode => secret.encode_utf16().for_each(|unit| {
                let _ = write!(text, "\\u{unit:04x}");
            }),
        }
        text
    }
}
