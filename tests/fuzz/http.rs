//! Requests that come in over a connection.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The head and the body of the next request.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Result<(String, String), ()> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.map_err(|_| ())?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if read == 0 {
            return Err(());
        }
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return Ok((head.to_owned(), body.to_owned()));
            }
        }
    }
}
