//! Split bundles on several media, of which one is there at a time.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dam_core::bundle::{BundleError, Media, MediaReader, NoMedia, StreamedBundle};
use dam_core::{Error, Result};
use dam_oci::archive::PartName;
use dam_oci::testing::gzip;
use dam_oci::{ArchiveFault, Digest};
use tempfile::TempDir;

fn bundle() -> Vec<u8> {
    fs::read(format!("{}/tests/fixtures/bundle-v2-meta.dam", env!("CARGO_MANIFEST_DIR"))).expect("the fixture")
}

/// Folders that stand for sticks, with the parts of a bundle on them.
struct Sticks(TempDir);

impl Sticks {
    /// Puts each part of `size` bytes on a stick of its own.
    fn new(bytes: &[u8], size: usize) -> Self {
        let sticks = Self(tempfile::tempdir().expect("a temp folder"));
        for (at, part) in bytes.chunks(size).enumerate() {
            fs::create_dir(sticks.stick(at + 1)).expect("a folder");
            fs::write(sticks.part(at + 1), part).expect("space");
        }
        sticks
    }

    fn stick(&self, number: usize) -> PathBuf {
        self.0.path().join(number.to_string())
    }

    fn part(&self, number: usize) -> PathBuf {
        self.stick(number).join(format!("site.dam.{number:03}"))
    }

    fn count(&self) -> usize {
        fs::read_dir(self.0.path()).expect("a folder").count()
    }

    fn reader(&self, media: impl Media + 'static) -> Result<MediaReader> {
        MediaReader::open(PartName::read(&self.part(1)).expect("a part"), Box::new(media))
    }

    /// Reads everything, with an operator who gives these answers.
    fn read(&self, answers: &[PathBuf]) -> (Result<Vec<Digest>>, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let operator = Operator { answers: answers.iter().cloned().collect(), asked: Arc::clone(&asked) };
        let read = self.reader(operator).and_then(read);
        let asked = asked.lock().expect("no panic").clone();
        (read, asked)
    }

    /// The right answers: the folders of all sticks but the first.
    fn in_order(&self) -> Vec<PathBuf> {
        (2..=self.count()).map(|number| self.stick(number)).collect()
    }
}

/// Gives answers until there are none left.
struct Operator {
    answers: VecDeque<PathBuf>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Media for Operator {
    fn next(&mut self, wanted: &Path, refused: Option<Error>) -> Result<PathBuf> {
        // A file that is open keeps its file system busy: the stick could not be taken out.
        let open = fs::read_dir("/proc/self/fd").expect("a folder").flatten();
        let mut open = open.filter_map(|fd| fs::read_link(fd.path()).ok());
        let folder = wanted.parent().expect("a folder");
        assert!(!open.any(|file| file.starts_with(folder)), "a part is still open");
        let name = wanted.file_name().expect("a name").display().to_string();
        let question = refused.map_or(name.clone(), |error| format!("{name}: {error}"));
        self.asked.lock().expect("no panic").push(question.replace(&format!("{}", folder.display()), "FOLDER"));
        self.answers.pop_front().ok_or(Error::Cancelled)
    }
}

/// Reads all layers of a bundle and returns their digests.
fn read(reader: MediaReader) -> Result<Vec<Digest>> {
    let (bundle, rest) = StreamedBundle::open_parts(reader)?.into_parts();
    let mut found = Vec::new();
    for app in bundle.apps() {
        let layers: Vec<_> = app.image.manifest().layers.iter().filter(|it| !found.contains(&it.digest)).collect();
        let layers: Vec<_> = layers.into_iter().cloned().collect();
        dam_oci::visit_blobs(&*app.image, &layers, &mut |layer, reader| {
            std::io::copy(reader, &mut std::io::sink()).map_err(dam_oci::Error::stream("layer"))?;
            found.push(layer.digest);
            Ok(())
        })?;
    }
    rest.finish()?;
    Ok(found)
}

#[test]
fn each_part_is_asked_for_once_in_order() {
    let bytes = bundle();
    assert_eq!(bytes.len() % 512, 0);
    // In the middle of headers and of content, at block borders, and with a last part that is as long as the others.
    for size in [700, 1000, 512 * 3, 4096, bytes.len() / 2, bytes.len() - 1, bytes.len()] {
        let sticks = Sticks::new(&bytes, size);
        let (read, asked) = sticks.read(&sticks.in_order());
        assert_eq!(read.expect("every part").len(), 3, "{size}");
        let expected: Vec<String> = (2..=sticks.count()).map(|number| format!("site.dam.{number:03}")).collect();
        assert_eq!(asked, expected, "{size}");
    }
}

#[test]
fn parts_that_are_together_are_not_asked_for() {
    let sticks = Sticks::new(&bundle(), 4096);
    for number in [2, 3, 5] {
        let name = format!("site.dam.{number:03}");
        fs::rename(sticks.part(number), sticks.stick(if number == 5 { 4 } else { 1 }).join(name)).expect("moved");
    }
    assert_eq!(sticks.count(), 5);
    let (read, asked) = sticks.read(&[sticks.stick(4)]);
    assert_eq!(read.expect("every part").len(), 3);
    assert_eq!(asked, ["site.dam.004"]);
}

#[test]
fn a_wrong_answer_is_told_and_asked_again() {
    let sticks = Sticks::new(&bundle(), 8192);
    assert_eq!(sticks.count(), 3);
    let other = sticks.0.path().join("other.002");
    fs::write(&other, vec![0; 9000]).expect("space");
    let empty = sticks.0.path().join("empty.002");
    fs::write(&empty, "").expect("space");
    let nowhere = PathBuf::from("/nowhere/site.dam.002");
    let answers = [sticks.stick(3), sticks.part(3), nowhere, other, empty, sticks.part(2), sticks.part(3)];
    let (read, asked) = sticks.read(&answers);
    assert_eq!(read.expect("every part").len(), 3);
    let shown = |text: &str| text.replace("TEMP", &sticks.0.path().display().to_string());
    let expected = [
        "site.dam.002".to_owned(),
        shown("site.dam.002: cannot access `TEMP/3/site.dam.002`"),
        shown("site.dam.002: `TEMP/3/site.dam.003` is not part 2 by its name"),
        "site.dam.002: cannot access `/nowhere/site.dam.002`".to_owned(),
        "site.dam.002: `FOLDER/site.dam` is incomplete: its part `other.002` has 9000 bytes, and others have 8192"
            .to_owned(),
        shown("site.dam.002: `TEMP/empty.002` is empty"),
        "site.dam.003".to_owned(),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn who_gives_up_can_go_on_later() {
    let sticks = Sticks::new(&bundle(), 8192);
    let (read_some, asked) = sticks.read(&[sticks.stick(2)]);
    let error = read_some.expect_err("a part is missing");
    assert!(error.is_cut(), "{error:?}");
    let wanted = sticks.stick(2).join("site.dam.003");
    assert_eq!(error.to_string(), format!("`{}` cannot be read any further", wanted.display()));
    assert_eq!(asked.len(), 2);
    let error = sticks.reader(NoMedia).and_then(read).expect_err("nobody is there");
    let wanted = sticks.stick(1).join("site.dam.002");
    assert_eq!(error.to_string(), format!("`{}` cannot be read any further", wanted.display()));
}

/// Wishes to stop.
struct Tired;

impl Media for Tired {
    fn next(&mut self, _: &Path, _: Option<Error>) -> Result<PathBuf> {
        panic!("nothing is read")
    }

    fn check(&self) -> Result<()> {
        Err(Error::Cancelled)
    }
}

#[test]
fn the_wish_to_stop_is_looked_for_before_every_read() {
    let sticks = Sticks::new(&bundle(), 8192);
    let error = sticks.reader(Tired).and_then(read).expect_err("cancelled");
    assert!(error.is_cut(), "{error:?}");
}

#[test]
fn parts_of_something_else_are_found_at_their_ends_or_by_what_is_in_them() {
    let bytes = bundle();
    let refused = |sticks: &Sticks| {
        let error = sticks.read(&sticks.in_order()).0.expect_err("another bundle's part");
        assert!(!error.is_cut(), "{error:?}");
        error.to_string()
    };
    // Cut off, and another follows.
    let sticks = Sticks::new(&bytes, 8192);
    fs::write(sticks.part(2), &bytes[8192..8192 + 5000]).expect("space");
    assert!(refused(&sticks).ends_with("site.dam` is incomplete: its last part `site.dam.002` is cut off"));
    // The last one of the same length, with something else in it.
    let sticks = Sticks::new(&bytes, 8192);
    let mut other = fs::read(sticks.part(3)).expect("a part");
    other.iter_mut().for_each(|byte| *byte ^= 1);
    fs::write(sticks.part(3), other).expect("space");
    refused(&sticks);
    // A part of another bundle of the same size.
    let sticks = Sticks::new(&bytes, 8192);
    fs::copy(sticks.part(1), sticks.part(2)).expect("space");
    refused(&sticks);
    // Longer than the archive.
    let sticks = Sticks::new(&[&bytes[..], b"more"].concat(), 8192);
    assert!(refused(&sticks).ends_with("site.dam` is damaged: something follows its end"));
}

#[test]
fn only_the_first_part_begins_and_only_a_bundle_of_dam_2_is_read() {
    let sticks = Sticks::new(&bundle(), 8192);
    let begin = |path: &Path| MediaReader::open(PartName::read(path).expect("a part"), Box::new(NoMedia)).map(drop);
    let error = begin(&sticks.part(2)).expect_err("the second");
    assert!(matches!(error, Error::Oci(dam_oci::Error::Archive { fault: ArchiveFault::NotFirst { .. }, .. })));
    assert!(matches!(begin(Path::new("/nowhere/a.001")), Err(Error::Access { .. })));
    let sticks = Sticks::new(&gzip(&bundle()), 1 << 20);
    let error = sticks.reader(NoMedia).and_then(read).expect_err("compressed as a whole");
    assert!(matches!(error, Error::Bundle(BundleError::NotStreamed { .. })), "{error:?}");
}

/// What is joined is what was split, wherever it was cut, and no part is asked for that is not needed.
#[test]
fn a_reader_gives_the_bytes_of_all_parts() {
    let bytes: Vec<u8> = (0..5000_u32).map(|at| at as u8).collect();
    let sticks = Sticks::new(&bytes, 999);
    let answers = sticks.in_order().into();
    let operator = Operator { answers, asked: Arc::default() };
    let mut read = Vec::new();
    sticks.reader(operator).expect("a part").take(5000).read_to_end(&mut read).expect("every part");
    assert_eq!(read, bytes);
}
