//! Draws a recorded terminal session as SVG: `session_svg COLUMNS <recording >picture.svg`. Used by `demo/record`.
//!
//! It plays the recording on a small terminal and draws what stands there at the end, so progress bars that were taken
//! away leave no trace. Control sequences: <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::iter::Peekable;
use std::str::Chars;

/// Size of a character cell, and the space around the text, in pixels.
const CELL: (f64, f64) = (8.4, 19.0);
const MARGIN: f64 = 20.0;
/// Height of an empty row.
const GAP: f64 = 11.0;

/// How a character looks: a foreground colour of the terminal's first eight, bold, dim.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    colour: Option<u32>,
    bold: bool,
    dim: bool,
}

/// What the terminal shows, and where the next character goes.
struct Screen {
    columns: usize,
    rows: Vec<Vec<(char, Look)>>,
    at: (usize, usize),
    look: Look,
}

impl Screen {
    fn play(columns: usize, recording: &str) -> Self {
        let mut screen = Self { columns, rows: vec![Vec::new()], at: (0, 0), look: Look::default() };
        let mut input = recording.chars().peekable();
        while let Some(character) = input.next() {
            match character {
                '\n' => screen.at.0 += 1,
                '\r' => screen.at.1 = 0,
                '\x1b' => screen.escape(&mut input),
                control if control.is_control() => {}
                visible => screen.put(visible),
            }
        }
        screen
    }

    fn put(&mut self, character: char) {
        if self.at.1 == self.columns {
            self.at = (self.at.0 + 1, 0);
        }
        let (row, column) = self.at;
        self.rows.resize_with(self.rows.len().max(row + 1), Vec::new);
        let cells = &mut self.rows[row];
        cells.resize(cells.len().max(column + 1), (' ', Look::default()));
        cells[column] = (character, self.look);
        self.at.1 += 1;
    }

    /// Follows a control sequence that changes colours, moves up or down, or clears; passes over others.
    fn escape(&mut self, input: &mut Peekable<Chars>) {
        if input.next_if_eq(&'[').is_none() {
            return;
        }
        let mut parameters = String::new();
        while let Some(part) = input.next_if(|part| ('\x20'..'\x40').contains(part)) {
            parameters.push(part);
        }
        let numbers: Vec<u32> = parameters.split(';').map(|number| number.parse().unwrap_or(0)).collect();
        let count = numbers[0].max(1) as usize;
        match input.next() {
            Some('m') => numbers.iter().for_each(|number| self.style(*number)),
            Some('A') => self.at.0 = self.at.0.saturating_sub(count),
            Some('B') => self.at.0 += count,
            Some('K') => {
                let keep = if numbers[0] == 0 { self.at.1 } else { 0 };
                self.rows.resize_with(self.rows.len().max(self.at.0 + 1), Vec::new);
                self.rows[self.at.0].truncate(keep);
            }
            _ => {}
        }
    }

    fn style(&mut self, number: u32) {
        match number {
            0 => self.look = Look::default(),
            1 => self.look.bold = true,
            2 => self.look.dim = true,
            22 => (self.look.bold, self.look.dim) = (false, false),
            30..=37 => self.look.colour = Some(number - 30),
            39 => self.look.colour = None,
            _ => {}
        }
    }

    fn draw(&self) -> String {
        let last = self.rows.iter().rposition(|row| row.iter().any(|(character, _)| *character != ' '));
        let first = self.rows.iter().position(|row| !row.is_empty()).unwrap_or(0);
        let rows = &self.rows[first..last.map_or(first, |last| last + 1)];
        let width = self.columns as f64 * CELL.0 + 2.0 * MARGIN;
        let mut texts = String::new();
        let mut top = MARGIN;
        for row in rows {
            // The baseline is at about seven tenths of the cell.
            let y = top + 0.7 * CELL.1;
            match draw_row(row) {
                empty if empty.is_empty() => top += GAP,
                pieces => {
                    writeln!(texts, "<text y=\"{y:.1}\">{pieces}</text>").expect("a String takes everything");
                    top += CELL.1;
                }
            }
        }
        let height = top + MARGIN;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" role=\"img\" aria-label=\"A terminal session\">\n{STYLE}\
             <rect x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\"/>\n{texts}</svg>\n",
            width - 1.0,
            height - 1.0
        )
    }
}

/// Draws a row as pieces of one look. Each is put at its column and stretched to its width, whatever font there is; more
/// than one space ends a piece, as what draws SVG makes one of them.
fn draw_row(row: &[(char, Look)]) -> String {
    let mut out = String::new();
    let mut column = 0;
    for same in row.chunk_by(|(_, one), (_, other)| one == other) {
        let text: String = same.iter().map(|(character, _)| character).collect();
        for piece in text.split_inclusive("  ") {
            let start = column + piece.chars().take_while(|character| *character == ' ').count();
            column += piece.chars().count();
            if !piece.trim().is_empty() {
                draw_piece(&mut out, start, piece.trim(), same[0].1);
            }
        }
    }
    out
}

fn draw_piece(out: &mut String, column: usize, text: &str, look: Look) {
    let x = MARGIN + column as f64 * CELL.0;
    let length = text.chars().count() as f64 * CELL.0;
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let class = class(look);
    write!(out, "<tspan x=\"{x:.1}\" textLength=\"{length:.1}\"{class}>{escaped}</tspan>")
        .expect("a String takes everything");
}

fn class(look: Look) -> String {
    let colour = look.colour.map(|number| format!("c{number}"));
    let names = [colour, look.bold.then(|| "bold".to_owned()), look.dim.then(|| "dim".to_owned())];
    match names.into_iter().flatten().collect::<Vec<_>>().join(" ") {
        none if none.is_empty() => none,
        names => format!(" class=\"{names}\""),
    }
}

/// Dark on light pages and dark ones, as terminals are.
const STYLE: &str = "<style>
rect { fill: #161b22; stroke: #3d444d }
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; fill: #d8dee6; white-space: pre }
.bold { font-weight: 600; fill: #ffffff } .dim { fill: #8b949e }
.c1 { fill: #ff7b72 } .c2 { fill: #56d364 } .c3 { fill: #e3b341 } .c4 { fill: #79c0ff } .c5 { fill: #d2a8ff } .c6 { fill: #56d4dd }
</style>
";

fn main() -> io::Result<()> {
    let columns = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(80);
    let mut recording = String::new();
    io::stdin().read_to_string(&mut recording)?;
    io::stdout().write_all(Screen::play(columns, &recording).draw().as_bytes())
}
