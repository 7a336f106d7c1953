//! Tables without lines, as wide as their cells need.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// Sets rows in columns two spaces apart. Cells are never cut and never wrapped: a terminal that is too narrow wraps
/// the line, and a pipe gets it whole. The result ends with a line break unless there are no rows.
///
/// Columns named in `right` are aligned to the right.
pub(crate) fn columns<R, C>(rows: R, right: &[usize]) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row.into_iter().collect::<Vec<_>>());
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let table = columns(rows(&[&["NAME", "VERSION"], &["mongodb", "3.6.23"], &["a", "1"]]), &[]);
        assert_eq!(table, "NAME     VERSION\nmongodb  3.6.23\na        1\n");
    }

    #[test]
    fn width_is_what_a_terminal_shows() {
        let table = columns(rows(&[&["日本", "x"], &["abc", "y"]]), &[]);
        assert_eq!(table, "日本  x\nabc   y\n");
    }

    #[test]
    fn long_cells_stay_whole() {
        let long = "x".repeat(300);
        assert_eq!(columns(rows(&[&[&long, "y"]]), &[]), format!("{long}  y\n"));
    }

    #[test]
    fn numbers_to_the_right_and_nothing_for_nothing() {
        assert_eq!(columns(rows(&[&["a", "1 B"], &["b", "10 B"]]), &[1]), "a   1 B\nb  10 B\n");
        assert_eq!(columns(rows(&[]), &[]), "");
    }
}
