//! BuildKit's progress, as engines send it: protobuf in base64, one message a line.
//!
//! Only the fields below are read; all others are skipped. Source:
//! <https://github.com/moby/buildkit/blob/v0.13.2/api/services/control/control.proto> and, for the encoding,
//! <https://protobuf.dev/programming-guides/encoding/>.
//!
//! | message | field | |
//! |---|---|---|
//! | `StatusResponse` | 1, 3 | vertexes, logs |
//! | `Vertex` | 1, 3, 4, 5, 6, 7 | digest, name, cached, started, completed, error |
//! | `VertexLog` | 1, 4 | vertex, message |

use std::collections::HashMap;

/// Steps and output, as lines. The steps are numbered in the order in which they start, as docker's plain progress is.
#[derive(Default)]
pub(super) struct Trace {
    steps: HashMap<Vec<u8>, Step>,
}

/// A step that has started.
struct Step {
    number: usize,
    /// Output that has not come to the end of its line.
    rest: Vec<u8>,
    ended: bool,
}

impl Trace {
    /// Reads one message and hands on the lines it adds. Returns `None` if it is not such a message.
    pub(super) fn take(&mut self, message: &[u8], line: &mut dyn FnMut(&str)) -> Option<()> {
        for field in fields(message) {
            match field? {
                (1, Value::Bytes(vertex)) => self.vertex(vertex, line)?,
                (3, Value::Bytes(log)) => self.log(log, line)?,
                _ => {}
            }
        }
        Some(())
    }

    fn vertex(&mut self, vertex: &[u8], line: &mut dyn FnMut(&str)) -> Option<()> {
        let (mut digest, mut name, mut error) = (&[][..], &[][..], &[][..]);
        let (mut cached, mut started, mut completed) = (false, false, false);
        for field in fields(vertex) {
            match field? {
                (1, Value::Bytes(bytes)) => digest = bytes,
                (3, Value::Bytes(bytes)) => name = bytes,
                (4, Value::Number(number)) => cached = number != 0,
                (5, Value::Bytes(_)) => started = true,
                (6, Value::Bytes(_)) => completed = true,
                (7, Value::Bytes(bytes)) => error = bytes,
                _ => {}
            }
        }
        if !started && !cached {
            return Some(());
        }
        let number = self.steps.len() + 1;
        let step = self.steps.entry(digest.to_owned()).or_insert_with(|| {
            line(&format!("#{number} {}", String::from_utf8_lossy(name)));
            Step { number, rest: Vec::new(), ended: false }
        });
        if step.ended || !(completed || cached) {
            return Some(());
        }
        step.ended = true;
        step.flush(line);
        match error {
            [] if cached => line(&format!("#{} CACHED", step.number)),
            [] => line(&format!("#{} DONE", step.number)),
            error => line(&format!("#{} ERROR: {}", step.number, String::from_utf8_lossy(error))),
        }
        Some(())
    }

    fn log(&mut self, log: &[u8], line: &mut dyn FnMut(&str)) -> Option<()> {
        let (mut vertex, mut text) = (&[][..], &[][..]);
        for field in fields(log) {
            match field? {
                (1, Value::Bytes(bytes)) => vertex = bytes,
                (4, Value::Bytes(bytes)) => text = bytes,
                _ => {}
            }
        }
        let number = self.steps.len() + 1;
        let new = || Step { number, rest: Vec::new(), ended: false };
        let step = self.steps.entry(vertex.to_owned()).or_insert_with(new);
        for &byte in text {
            match byte {
                b'\n' => step.flush(line),
                byte => step.rest.push(byte),
            }
            if step.rest.len() >= LINE_LIMIT {
                step.flush(line);
            }
        }
        Some(())
    }
}

/// Bytes of output after which a line ends even without a newline.
const LINE_LIMIT: usize = 64 << 10;

impl Step {
    fn flush(&mut self, line: &mut dyn FnMut(&str)) {
        if !self.rest.is_empty() {
            line(&format!("#{} {}", self.number, String::from_utf8_lossy(&self.rest)));
            self.rest.clear();
        }
    }
}

/// A value of a field, as far as it is looked at.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// Splits a message into numbered fields; an item is `None` where the bytes are no message, and the last one then.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u64, Value<'_>)>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let field = read_field(&mut bytes);
        if field.is_none() {
            bytes = &[];
        }
        Some(field)
    })
}

fn read_field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = read_number(bytes)?;
    let value = match key & 7 {
        0 => Value::Number(read_number(bytes)?),
        1 => skip(bytes, 8)?,
        2 => {
            let length = usize::try_from(read_number(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Value::Bytes(value)
        }
        5 => skip(bytes, 4)?,
        // Groups, which nobody writes any more.
        _ => return None,
    };
    Some((key >> 3, value))
}

fn skip<'a>(bytes: &mut &'a [u8], count: usize) -> Option<Value<'a>> {
    *bytes = bytes.split_at_checked(count)?.1;
    Some(Value::Other)
}

/// Reads a number in groups of seven bits, the lowest first; ten bytes at most.
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{any, proptest};

    use super::Trace;

    /// A field with bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).expect("short")], bytes].concat()
    }

    fn lines(messages: &[Vec<u8>]) -> Vec<String> {
        let (mut trace, mut lines) = (Trace::default(), Vec::new());
        for message in messages {
            trace.take(message, &mut |line| lines.push(line.to_owned())).expect("a message");
        }
        lines
    }

    fn vertex(digest: &str, name: &str, more: &[u8]) -> Vec<u8> {
        field(1, &[&field(1, digest.as_bytes())[..], &field(3, name.as_bytes()), more].concat())
    }

    fn log(digest: &str, text: &str) -> Vec<u8> {
        field(3, &[field(1, digest.as_bytes()), vec![3 << 3, 1], field(4, text.as_bytes())].concat())
    }

    #[test]
    fn reads_what_engine_20_10_sends() {
        let sent = "CrEBCkdzaGEyNTY6YTkwZTJmZTk4NDE2MzdmZjllMDg1NjhjY2FjYjkyMmNhYjFhYTdkMjRjNzVhYjU4YzVjMWVjMWQxYzgxZWI1ORJH\
                    c2hhMjU2OmZhZmE2Mjk1MTM4MTFlZDQzYjg0MjBiNDg3NmQyZWE5OTEzMzU4NDhlZGVjOWY2MzlkMmU3NDRmMGI0NmE5YjcaD2Nvc\
                    HkgL2NvbnRleHQgLyoMCJzViNgGEPnW94cD";
        assert_eq!(lines(&[STANDARD.decode(sent).expect("base64")]), ["#1 copy /context /"]);
    }

    #[test]
    fn steps_and_their_output_become_lines() {
        let (started, done) = (field(5, b""), [field(5, b""), field(6, b"")].concat());
        let failed = [&done[..], &field(7, b"exit code: 3")].concat();
        let shown = lines(&[
            vertex("a", "[1/3] COPY", b""),
            vertex("a", "[1/3] COPY", &started),
            vertex("b", "[2/3] FROM", &[4 << 3, 1]),
            log("a", "one\ntw"),
            log("a", "o\nlast"),
            vertex("a", "[1/3] COPY", &done),
            vertex("a", "[1/3] COPY", &done),
            vertex("c", "[3/3] RUN", &failed),
        ]);
        let expected = [
            "#1 [1/3] COPY",
            "#2 [2/3] FROM",
            "#2 CACHED",
            "#1 one",
            "#1 two",
            "#1 last",
            "#1 DONE",
            "#3 [3/3] RUN",
            "#3 ERROR: exit code: 3",
        ];
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in any::<Vec<u8>>()) {
            let _ = Trace::default().take(&bytes, &mut |_| {});
        }
    }
}
