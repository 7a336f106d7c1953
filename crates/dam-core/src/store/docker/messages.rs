//! The stream of JSON documents, one a line, that answers a load or a build.

use std::io::{BufRead, BufReader, Read};

use super::client::Answer;
use super::error::{DockerError, Result};
use super::wire::Message;

/// The longest line that is read, in bytes; BuildKit's logs come in lines of some kilobytes.
const LINE_LIMIT: u64 = 4 << 20;

/// Reads `answer` to its end and hands each message to `take`. A message that is an error ends it, with the engine's
/// words.
pub(super) fn read(answer: Answer, take: &mut dyn FnMut(&Message) -> Result<()>) -> Result<()> {
    let (doing, reader) = answer.into_reader();
    read_lines(&doing, reader, take)
}

fn read_lines(doing: &str, reader: impl Read, take: &mut dyn FnMut(&Message) -> Result<()>) -> Result<()> {
    let broke_off = |source| DockerError::BrokeOff { doing: doing.to_owned(), source };
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line).map_err(broke_off)? == 0 {
            return Ok(());
        }
        for message in serde_json::Deserializer::from_slice(&line).into_iter::<Message>() {
            let message = message.map_err(|source| DockerError::Garbage { doing: doing.to_owned(), source })?;
            let detail = message.error_detail.as_ref().and_then(|detail| detail.message.as_ref());
            if let Some(words) = message.error.as_ref().or(detail) {
                let message = words.trim().to_owned();
                return Err(DockerError::Answered { doing: doing.to_owned(), status: 200, message });
            }
            take(&message)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::read_lines;
    use crate::store::docker::DockerError;

    fn streams(text: &[u8]) -> Result<Vec<String>, DockerError> {
        let mut out = Vec::new();
        read_lines("load it", text, &mut |message| {
            out.extend(message.stream.clone());
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn messages_come_one_a_line_or_several() {
        let text = b"{\"stream\":\"a\"}\r\n{\"stream\":\"b\"}{\"stream\":\"c\"}\n\n{\"status\":\"x\"}";
        assert_eq!(streams(text).expect("messages"), ["a", "b", "c"]);
    }

    #[test]
    fn an_error_inside_the_stream_is_the_answer() {
        let fault =
            streams(b"{\"stream\":\"a\"}\n{\"errorDetail\":{\"message\":\"no space\"},\"error\":\"no space\"}\n");
        assert!(matches!(fault, Err(DockerError::Answered { status: 200, message, .. }) if message == "no space"));
        assert!(matches!(streams(b"{\"stream\":"), Err(DockerError::Garbage { .. })));
        assert!(matches!(streams(b"<html>"), Err(DockerError::Garbage { .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in any::<Vec<u8>>()) {
            let _ = streams(&bytes);
        }
    }
}
