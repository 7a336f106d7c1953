//! What a header says, in the shape of both formats.

use std::collections::BTreeMap;

use crate::rpm::parsed::Parsed;
use crate::rpm::tag::{self, file_flag, sense};
use crate::{EntryView, Format, KindView, PackageView, ReadError, RelationKind, RoleView, ScriptView};

/// Most files of a package, and most bytes of all their paths.
const MOST_FILES: usize = 1 << 20;
const MOST_PATHS: usize = 128 << 20;

/// Reads all but the constructs; the digests of files are still missing.
pub(super) fn view(header: &Parsed) -> Result<PackageView, ReadError> {
    let text = |tag| header.text(tag).unwrap_or_default();
    let epoch = header.number(tag::EPOCH).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let changes = header.texts(tag::CHANGE_NAMES).zip(header.texts(tag::CHANGE_TEXTS));
    Ok(PackageView {
        format: Format::Rpm,
        name: text(tag::NAME),
        version: format!("{epoch}{}-{}", text(tag::VERSION), text(tag::RELEASE)),
        architecture: text(tag::ARCHITECTURE),
        summary: text(tag::SUMMARY),
        description: text(tag::DESCRIPTION),
        fields: fields(header),
        relations: relations(header),
        entries: entries(header)?,
        scripts: scripts(header),
        changelog: changes.map(|(name, text)| format!("{name}\n{text}")).collect(),
        constructs: Vec::new(),
    })
}

/// In the order and with the names of `rpm -qi`.
fn fields(header: &Parsed) -> Vec<(String, String)> {
    const FIELDS: [(&str, u32); 13] = [
        ("Group", tag::GROUP),
        ("Size", tag::SIZE),
        ("License", tag::LICENSE),
        ("Source RPM", tag::SOURCE_PACKAGE),
        ("Build Date", tag::BUILD_TIME),
        ("Build Host", tag::BUILD_HOST),
        ("Packager", tag::PACKAGER),
        ("Vendor", tag::VENDOR),
        ("URL", tag::URL),
        ("OS", tag::OS),
        ("Platform", tag::PLATFORM),
        ("RPM Version", tag::RPM_VERSION),
        ("Encoding", tag::ENCODING),
    ];
    let value = |tag| header.text(tag).or_else(|| header.number(tag).map(|number| number.to_string()));
    FIELDS.into_iter().filter_map(|(name, tag)| Some((name.to_owned(), value(tag)?))).collect()
}

fn relations(header: &Parsed) -> BTreeMap<RelationKind, Vec<String>> {
    use RelationKind::{Conflicts, Depends, Enhances, PreDepends, Provides, Recommends, Replaces, Suggests};
    const KINDS: [(RelationKind, [u32; 3]); 8] = [
        (Depends, [tag::REQUIRE_NAMES, tag::REQUIRE_FLAGS, tag::REQUIRE_VERSIONS]),
        (Recommends, [tag::RECOMMEND_NAMES, tag::RECOMMEND_FLAGS, tag::RECOMMEND_VERSIONS]),
        (Suggests, [tag::SUGGEST_NAMES, tag::SUGGEST_FLAGS, tag::SUGGEST_VERSIONS]),
        (Enhances, tag::SUPPLEMENTS),
        (Enhances, tag::ENHANCES),
        (Conflicts, [tag::CONFLICT_NAMES, tag::CONFLICT_FLAGS, tag::CONFLICT_VERSIONS]),
        (Provides, [tag::PROVIDE_NAMES, tag::PROVIDE_FLAGS, tag::PROVIDE_VERSIONS]),
        (Replaces, [tag::OBSOLETE_NAMES, tag::OBSOLETE_FLAGS, tag::OBSOLETE_VERSIONS]),
    ];
    /// `Requires(pre)`, and what was `PreReq`.
    const BEFORE: u64 = (sense::PRE | sense::PREREQ) as u64;
    let mut relations: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (kind, [names, flags, versions]) in KINDS {
        let all = header.texts(names).zip(header.numbers(flags)).zip(header.texts(versions));
        for ((name, flags), version) in all {
            let kind = if kind == Depends && flags & BEFORE != 0 { PreDepends } else { kind };
            let relation = match compared(flags) {
                "" => name,
                sign => format!("{name} {sign} {version}"),
            };
            // A script of each kind needs the shell once more; equal ones stand side by side.
            let known = relations.entry(kind).or_default();
            if known.last() != Some(&relation) {
                known.push(relation);
            }
        }
    }
    relations
}

fn compared(flags: u64) -> &'static str {
    match flags as u32 & (sense::LESS | sense::GREATER | sense::EQUAL) {
        2 => "<",
        4 => ">",
        8 => "=",
        10 => "<=",
        12 => ">=",
        _ => "",
    }
}

fn scripts(header: &Parsed) -> Vec<ScriptView> {
    const PLACES: [(&str, u32, u32); 9] = [
        ("pretrans", 1151, 1153),
        ("pre", tag::PRE, tag::PRE_PROGRAM),
        ("post", tag::POST, tag::POST_PROGRAM),
        ("preun", tag::PREUN, tag::PREUN_PROGRAM),
        ("postun", tag::POSTUN, tag::POSTUN_PROGRAM),
        ("posttrans", tag::POSTTRANS, tag::POSTTRANS_PROGRAM),
        ("preuntrans", 5104, 5106),
        ("postuntrans", 5105, 5107),
        ("verify", 1079, 1091),
    ];
    let script = |(place, body, program): (&str, u32, u32)| {
        // A program without a script runs alone: `%post -p /sbin/ldconfig`.
        (header.count(body) + header.count(program) > 0).then(|| ScriptView {
            place: place.to_owned(),
            interpreter: header.texts(program).collect::<Vec<_>>().join(" "),
            text: header.text(body).unwrap_or_default(),
        })
    };
    let mut scripts: Vec<_> = PLACES.into_iter().filter_map(script).collect();
    const TRIGGERS: [(&str, [u32; 5]); 3] = [
        (
            "trigger",
            [tag::TRIGGER_SCRIPTS, tag::TRIGGER_PROGRAMS, tag::TRIGGER_INDEXES, tag::TRIGGER_NAMES, tag::TRIGGER_FLAGS],
        ),
        ("filetrigger", [5066, 5067, 5070, 5069, 5072]),
        ("transfiletrigger", [5076, 5077, 5080, 5079, 5082]),
    ];
    for (word, [bodies, programs, indexes, names, flags]) in TRIGGERS {
        let programs: Vec<_> = header.texts(programs).collect();
        let mut of: BTreeMap<u64, (u64, Vec<String>)> = BTreeMap::new();
        for ((index, name), flags) in header.numbers(indexes).zip(header.texts(names)).zip(header.numbers(flags)) {
            let (all, known) = of.entry(index).or_default();
            *all |= flags;
            known.push(name);
        }
        for (index, text) in header.texts(bodies).enumerate() {
            let (flags, names) = of.remove(&(index as u64)).unwrap_or_default();
            let interpreter = programs.get(index).cloned().unwrap_or_default();
            let place = format!("{word}{} -- {}", trigger_place(flags), names.join(", "));
            scripts.push(ScriptView { place, interpreter, text });
        }
    }
    scripts
}

fn trigger_place(flags: u64) -> &'static str {
    match flags >> 16 & 0x207 {
        1 => "in",
        2 => "un",
        4 => "postun",
        0x200 => "prein",
        _ => "",
    }
}

fn entries(header: &Parsed) -> Result<Vec<EntryView>, ReadError> {
    let damaged = |fault: &str| ReadError::Damaged { part: "header".to_owned(), fault: fault.to_owned() };
    let much = |what, limit| ReadError::TooMuch { part: "header".to_owned(), what, limit: limit as u64 };
    let count = header.count(tag::BASE_NAMES);
    if count > MOST_FILES {
        return Err(much("files", MOST_FILES));
    }
    let sizes = if header.count(LONG_SIZES) > 0 { LONG_SIZES } else { tag::FILE_SIZES };
    let needed = [
        sizes,
        tag::FOLDER_INDEXES,
        tag::FILE_MODES,
        tag::FILE_TIMES,
        tag::FILE_FLAGS,
        tag::FILE_USERS,
        tag::FILE_GROUPS,
    ];
    if needed.into_iter().any(|tag| header.count(tag) != count) {
        return Err(damaged("its lists of files differ in length"));
    }
    let folders: Vec<_> = header.texts(tag::FOLDER_NAMES).collect();
    let mut targets = header.texts(tag::FILE_TARGETS);
    let (mut sizes, mut times) = (header.numbers(sizes), header.numbers(tag::FILE_TIMES));
    let (mut modes, mut flags) = (header.numbers(tag::FILE_MODES), header.numbers(tag::FILE_FLAGS));
    let (mut users, mut groups) = (header.texts(tag::FILE_USERS), header.texts(tag::FILE_GROUPS));
    let mut length = 0;
    let mut entries = Vec::new();
    for (base, index) in header.texts(tag::BASE_NAMES).zip(header.numbers(tag::FOLDER_INDEXES)) {
        let folder = usize::try_from(index).ok().and_then(|index| folders.get(index));
        let folder = folder.ok_or_else(|| damaged("a file is in a folder that is not there"))?;
        length += folder.len() + base.len();
        if length > MOST_PATHS {
            return Err(much("bytes of paths", MOST_PATHS));
        }
        // Lists of texts or of other types than they should be have nothing here.
        let next =
            |values: &mut dyn Iterator<Item = u64>| values.next().ok_or_else(|| damaged("a list is of another type"));
        let (mode, flags) = (next(&mut modes)?, next(&mut flags)?);
        let (size, time) = (next(&mut sizes)?, next(&mut times)?);
        let target = targets.next().unwrap_or_default();
        entries.push(EntryView {
            path: format!("{folder}{base}"),
            kind: kind(mode, size, target),
            mode: mode as u16 & 0o7777,
            owner: users.next().unwrap_or_default(),
            group: groups.next().unwrap_or_default(),
            time,
            role: role(flags as u32),
        });
    }
    Ok(entries)
}

/// Lengths of files where one has more than 4 GiB.
const LONG_SIZES: u32 = 5008;

fn kind(mode: u64, size: u64, target: String) -> KindView {
    match mode & 0o170_000 {
        0o100_000 => KindView::File { size, sha256: None },
        0o040_000 => KindView::Folder,
        0o120_000 => KindView::Link { target },
        _ => KindView::Special,
    }
}

fn role(flags: u32) -> RoleView {
    const GHOST: u32 = 1 << 6;
    if flags & GHOST != 0 {
        RoleView::Ghost
    } else if flags & file_flag::CONFIG != 0 {
        if flags & file_flag::NO_REPLACE != 0 { RoleView::Config } else { RoleView::ReplacedConfig }
    } else if flags & file_flag::LICENSE != 0 {
        RoleView::License
    } else if flags & file_flag::DOC != 0 {
        RoleView::Doc
    } else {
        RoleView::Plain
    }
}
