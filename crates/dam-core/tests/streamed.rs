//! Bundles that are read in one pass: from a pipe, whole or not.

use std::fs;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use dam_core::app::describe;
use dam_core::bundle::{Bundle, BundleApp, BundleError, BundledApp, StreamedBundle, write};
use dam_core::cache::{Cache, Packed, Packing};
use dam_core::event::Silent;
use dam_core::meta::Keep;
use dam_core::{Error, Result};
use dam_oci::archive::ArchiveWriter;
use dam_oci::testing::{ARCHIVE_FORMS, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{ArchiveFault, Digest, Image, Limits, Reference, config, media_type, subtree};
use proptest::prelude::{ProptestConfig, any, prop, proptest};

/// Makes an app of an image, as `dam save` does.
fn bundled(reference: &str, image: impl Image + 'static) -> BundleApp {
    let reference: Reference = reference.parse().expect("a reference");
    let folder = tempfile::tempdir().expect("a temp folder");
    let keep = Keep::open(folder.path()).expect("a folder");
    let fill = |out: &mut dyn io::Write| Ok(subtree(&image, "meta", Limits::default(), folder.path(), out)?);
    let meta = keep.keep(&mut { fill }).expect("a good /meta").expect("a /meta");
    let labels = config(&image).expect("a config").1.config.labels;
    let app = describe(&reference, &labels, &meta).expect("an app");
    BundleApp { app, meta: meta.digest, image: Box::new(image) }
}

/// Three images on one base.
fn images() -> [MemoryImage; 3] {
    let noise: Vec<u8> = (0..3_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let on_base = |name: &str| {
        let base = ImageBuilder::app().file("base", 0o644, &noise).layer();
        base.file(name, 0o644, name).layer().file("top", 0o644, format!("top of {name}")).build()
    };
    [on_base("one"), on_base("two"), on_base("three")]
}

const NAMES: [&str; 3] = ["one:1.0", "plant:5000/two:2.0", "three:3.0"];

/// A bundle of the three.
fn bundle() -> Vec<u8> {
    static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(make_bundle);
    BUNDLE.clone()
}

/// One with zstd layers.
fn packed_bundle() -> Vec<u8> {
    static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(make_packed_bundle);
    BUNDLE.clone()
}

fn make_bundle() -> Vec<u8> {
    let apps: Vec<BundleApp> = NAMES.into_iter().zip(images()).map(|(name, image)| bundled(name, image)).collect();
    let mut out = Vec::new();
    write(&apps, &mut out, &Silent).expect("sound images");
    out
}

fn make_packed_bundle() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temp folder");
    let cache = Cache::new(folder.path(), 1 << 20);
    let pack =
        |image: MemoryImage| Packed::new(Box::new(image), Packing::default(), &cache, &Silent).expect("a sound image");
    let apps: Vec<BundleApp> =
        NAMES.into_iter().zip(images()).map(|(name, image)| bundled(name, pack(image))).collect();
    let mut out = Vec::new();
    write(&apps, &mut out, &Silent).expect("sound images");
    out
}

/// Hands out `step` bytes at a time, as a pipe may.
struct Drops(io::Cursor<Vec<u8>>, usize);

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

fn open(bytes: &[u8]) -> Result<StreamedBundle> {
    open_drops(bytes, usize::MAX)
}

fn open_drops(bytes: &[u8], step: usize) -> Result<StreamedBundle> {
    StreamedBundle::open("standard input", Box::new(Drops(io::Cursor::new(bytes.to_vec()), step)))
}

/// What an import would take of an app: its name, its manifest, its config, and the layers that no app before it had.
type Content = (String, Vec<u8>, Vec<u8>, Vec<(Digest, Vec<u8>)>);

/// Reads and checks all apps, each layer once.
fn content(apps: &[BundledApp]) -> Result<Vec<Content>> {
    let mut seen = Vec::new();
    let mut contents = Vec::new();
    for app in apps {
        let (config, _) = config(&*app.image)?;
        let layers = app.image.manifest().layers.iter();
        let new: Vec<_> = layers.filter(|layer| !seen.contains(&layer.digest)).cloned().collect();
        let mut layers = Vec::new();
        dam_oci::visit_blobs(&*app.image, &new, &mut |layer, reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(dam_oci::Error::stream("layer"))?;
            seen.push(layer.digest);
            layers.push((layer.digest, bytes));
            Ok(())
        })?;
        contents.push((app.reference.to_string(), app.image.manifest_bytes().to_vec(), config, layers));
    }
    Ok(contents)
}

/// Reads all of a stream.
fn read(bytes: &[u8]) -> Result<Vec<Content>> {
    let (bundle, rest) = open(bytes)?.into_parts();
    let content = content(bundle.apps())?;
    rest.finish()?;
    Ok(content)
}

/// Tells what is wrong with a stream as a whole.
fn refused(bytes: &[u8]) -> String {
    read(bytes).expect_err("not sound").to_string()
}

fn members(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let member = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("a sound entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("memory does not fail");
        (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), bytes)
    };
    tar::Archive::new(bundle).entries().expect("a tar").map(member).collect()
}

fn rewritten(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new());
    members.iter().for_each(|(name, bytes)| archive.add_bytes(name, bytes).expect("memory does not fail"));
    archive.finish().expect("memory does not fail")
}

#[test]
fn a_stream_gives_what_the_file_gives() {
    for bytes in [bundle(), packed_bundle()] {
        let folder = tempfile::tempdir().expect("a temp folder");
        let path = folder.path().join("site.dam");
        fs::write(&path, &bytes).expect("written");
        let file = Bundle::open(&path, &Silent).and_then(Bundle::verify).expect("a sound bundle");
        let expected = content(file.apps()).expect("sound");
        assert_eq!(expected.iter().map(|app| app.3.len()).collect::<Vec<_>>(), [3, 2, 2]);
        for streamed in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
            let (bundle, rest) = open_drops(&streamed, 7).expect("a sound bundle").into_parts();
            assert_eq!(bundle.head(), file.head());
            let told = |apps: &[BundledApp]| apps.iter().map(|app| (app.meta, app.unpacked)).collect::<Vec<_>>();
            assert_eq!(told(bundle.apps()), told(file.apps()));
            assert_eq!(content(bundle.apps()).expect("sound"), expected);
            rest.finish().expect("whole");
        }
    }
}

#[test]
fn the_fixtures_are_read() {
    for fixture in ["bundle-v2.dam", "bundle-v2-meta.dam"] {
        let path = format!("{}/tests/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(read(&fs::read(path).expect("the fixture")).expect("sound").len(), 2);
    }
}

/// Counts what was taken of a stream.
struct Counted(io::Cursor<Vec<u8>>, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Little at a time: what is read ahead must not hide where reading stands.
        let most = buffer.len().min(512);
        let count = self.0.read(&mut buffer[..most])?;
        self.1.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

#[test]
fn the_head_is_read_before_any_layer() {
    let bytes = bundle();
    let taken = Arc::new(AtomicUsize::new(0));
    let reader = Counted(io::Cursor::new(bytes.clone()), Arc::clone(&taken));
    let streamed = StreamedBundle::open("standard input", Box::new(reader)).expect("a sound bundle");
    let sizes: usize =
        members(&bytes).iter().take(5 + 6).map(|(_, bytes)| 512 + bytes.len().next_multiple_of(512)).sum();
    // A piece may end behind the last small blob.
    assert!(taken.load(Ordering::SeqCst) < sizes + 512, "{} of {sizes}", taken.load(Ordering::SeqCst));
    assert_eq!(streamed.bundle().apps().len(), 3);
}

fn layers_of(app: &BundledApp) -> Vec<dam_oci::Descriptor> {
    app.image.manifest().layers.clone()
}

#[test]
fn layers_come_in_the_order_of_the_stream_whatever_is_asked() {
    let streamed = open(&bundle()).expect("a sound bundle");
    let app = &streamed.bundle().apps()[0];
    let mut wanted = layers_of(app);
    wanted.push(app.image.manifest().config.clone());
    let mut backwards = wanted.clone();
    backwards.reverse();
    let mut seen = Vec::new();
    app.image
        .visit_unverified(&backwards, &mut |blob, _| {
            // Nothing is read of it: the stream goes on all the same.
            seen.push(blob.digest);
            Ok(())
        })
        .expect("still to come");
    // The config is in memory, and costs nothing at any time.
    let expected: Vec<Digest> = [3, 0, 1, 2].into_iter().map(|at| wanted[at].digest).collect();
    assert_eq!(seen, expected);
}

#[test]
fn what_has_gone_by_is_told_before_anything_is_handed_over() {
    let (bundle, rest) = open(&bundle()).expect("a sound bundle").into_parts();
    let [one, two, three] = bundle.apps() else { panic!("three apps") };
    let visit = |app: &BundledApp, wanted: &[dam_oci::Descriptor]| {
        let mut seen = 0;
        let done = dam_oci::visit_blobs(&*app.image, wanted, &mut |_, reader| {
            seen += 1;
            io::copy(reader, &mut io::sink()).map(drop).map_err(dam_oci::Error::stream("layer"))
        });
        (seen, done)
    };
    let (seen, done) = visit(two, &layers_of(two));
    done.expect("the layers of the first app are passed over, but for the base");
    assert_eq!(seen, 3);
    let (seen, done) = visit(one, &layers_of(one));
    let base = layers_of(one)[0].digest;
    assert!(matches!(done, Err(dam_oci::Error::PassedBlob { digest }) if digest == base), "{done:?}");
    assert_eq!(seen, 0);
    let opened = one.image.open_unverified(&layers_of(one)[1]).err();
    assert!(matches!(opened, Some(dam_oci::Error::PassedBlob { digest }) if digest == layers_of(one)[1].digest));
    // After a refusal the stream stands where it stood.
    let (seen, done) = visit(three, &layers_of(three)[1..]);
    done.expect("still to come");
    assert_eq!(seen, 2);
    assert!(config(&*one.image).is_ok(), "configs are in memory");
    rest.finish().expect("whole");
    let (_, done) = visit(three, &layers_of(three)[2..]);
    assert!(matches!(done, Err(dam_oci::Error::PassedBlob { .. })));
}

#[test]
fn one_layer_is_read_at_a_time() {
    let streamed = open(&bundle()).expect("a sound bundle");
    let [one, two, _] = streamed.bundle().apps() else { panic!("three apps") };
    let layers = layers_of(one);
    let mut reader = dam_oci::blob(&*one.image, &layers[0]).expect("still to come");
    assert_eq!(reader.read(&mut [0; 10]).expect("a byte"), 10);
    let second = two.image.open_unverified(&layers_of(two)[2]).err();
    assert!(matches!(second, Some(dam_oci::Error::Unsupported { .. })), "{second:?}");
    drop(reader);
    let mut bytes = Vec::new();
    let mut reader = dam_oci::blob(&*two.image, &layers_of(two)[2]).expect("still to come");
    reader.read_to_end(&mut bytes).expect("a sound layer");
}

#[test]
fn only_a_bundle_of_dam_2_comes_through_a_pipe() {
    let image = images()[0].clone();
    for form in ARCHIVE_FORMS {
        let error = open(&archive(form, &[(&image, &["one:1.0"])])).err().expect("foreign");
        assert!(matches!(&error, Error::Bundle(BundleError::NotStreamed { .. })), "{form:?}: {error}");
        assert_eq!(
            error.to_string(),
            "only a bundle of dam 2 can be read in one pass, and `standard input` is not one"
        );
    }
    // A layout whose documents stand in front is none either.
    let mut layout = members(&bundle());
    layout.retain(|(name, _)| name != "dam.json");
    let error = open(&rewritten(&layout)).err().expect("foreign");
    assert!(matches!(error, Error::Bundle(BundleError::NotStreamed { .. })));
    for (bytes, reason) in [
        (&b""[..], "is empty"),
        (b"hello", "is damaged: it breaks off in the header at byte 0"),
        (&[b'x'; 2000], "is not a tar archive"),
        (b"PK\x03\x04 and so on", "is a zip file, not an image archive"),
        (&[0; 2000], "holds no image: it has neither `index.json` nor `manifest.json`"),
    ] {
        assert_eq!(refused(bytes), format!("`standard input` {reason}"));
    }
}

#[test]
fn a_later_format_is_refused_by_name_whatever_follows() {
    let mut members = members(&bundle());
    members[1].1 = br#"{"formatVersion":3}"#.to_vec();
    members.truncate(5);
    assert_eq!(refused(&rewritten(&members)), "`standard input` has bundle format 3, and this dam reads up to 2");
}

#[test]
fn a_head_that_lies_is_refused() {
    let mut members = members(&bundle());
    let mut head: serde_json::Value = serde_json::from_slice(&members[1].1).expect("JSON");
    head["apps"][1]["family"] = "other".into();
    members[1].1 = head.to_string().into_bytes();
    let lie = "contradicts itself: `plant:5000/two:2.0` has another family in its labels";
    assert_eq!(refused(&rewritten(&members)), format!("`standard input` {lie}"));
    members[1].1 = head.to_string().replace("other", "two").into_bytes();
    members[4].1.push(b'\n');
    assert_eq!(
        refused(&rewritten(&members)),
        "`standard input` contradicts itself: `app_list` is not what it should be"
    );
}

#[test]
fn members_stand_where_they_should_each_once() {
    let sound = members(&bundle());
    let place =
        |name: &str, wanted: &str| format!("`standard input` is damaged: `{name}` stands where `{wanted}` should");
    // 5 documents, 3 manifests and configs, 7 layers.
    assert_eq!(sound.len(), 5 + 6 + 7);
    for (one, other) in [(5, 6), (6, 7), (11, 12), (15, 17)] {
        let mut swapped = sound.clone();
        swapped.swap(one, other);
        assert_eq!(refused(&rewritten(&swapped)), place(&sound[other].0, &sound[one].0));
    }
    let mut twice = sound.clone();
    twice.insert(13, sound[11].clone());
    assert_eq!(refused(&rewritten(&twice)), place(&sound[11].0, &sound[13].0));
    let mut longer = sound.clone();
    longer.push(("more".to_owned(), b"x".to_vec()));
    assert_eq!(refused(&rewritten(&longer)), place("more", "the end"));
    let mut missing = sound.clone();
    missing.pop();
    let last = &sound[17].0;
    assert_eq!(refused(&rewritten(&missing)), format!("`standard input` is damaged: layer (`{last}`) is missing"));
    let mut document = sound.clone();
    document.insert(3, sound[0].clone());
    assert_eq!(refused(&rewritten(&document)), "`standard input` is refused: `oci-layout` is in it twice");
    // A file that dam does not know stands in nobody's way, in front of the blobs.
    let mut signed = sound.clone();
    signed.insert(2, ("dam.json.minisig".to_owned(), b"signature".to_vec()));
    assert_eq!(read(&rewritten(&signed)).expect("sound"), read(&bundle()).expect("sound"));
}

#[test]
fn a_stream_ends_where_its_tar_ends() {
    let sound = bundle();
    let finish = |bytes: &[u8]| open(bytes)?.into_parts().1.finish();
    finish(&sound).expect("whole");
    // Tapes are padded.
    finish(&[&sound[..], &[0; 10_240][..]].concat()).expect("whole");
    for length in [sound.len() - 1, sound.len() - 512, sound.len() - 1024, sound.len() - 1025, sound.len() - 3000] {
        assert!(finish(&sound[..length]).is_err(), "{length} of {}", sound.len());
    }
    let error = finish(&[&sound[..], b"x"].concat()).expect_err("longer");
    assert_eq!(error.to_string(), "`standard input` is damaged: something follows its end");
    let mut unended = sound.clone();
    let at = unended.len() - 1;
    unended[at] = 1;
    assert!(finish(&unended).is_err());
    let squeezed = gzip(&sound);
    assert!(finish(&squeezed[..squeezed.len() - 4]).is_err(), "its checksum is missing");
}

#[test]
fn skipped_layers_are_compared_only_on_request() {
    let mut bytes = bundle();
    let last = members(&bytes).pop().expect("a layer").1;
    let at = bytes.len() - 1024 - last.len().next_multiple_of(512);
    bytes[at] ^= 1;
    let (_, rest) = open(&bytes).expect("a sound head").into_parts();
    rest.finish().expect("its place and size are right");
    let (_, rest) = open(&bytes).expect("a sound head").into_parts();
    rest.hash_skipped();
    let error = rest.finish().expect_err("another content");
    assert!(matches!(error, Error::Oci(dam_oci::Error::Blob(_))), "{error}");
}

/// Breaks off as a stick that is pulled out.
struct Pulled(io::Cursor<Vec<u8>>);

impl Read for Pulled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::from_raw_os_error(5)),
            count => Ok(count),
        }
    }
}

#[test]
fn a_source_that_goes_away_is_not_damage() {
    let sound = bundle();
    for squeeze in [|bytes: &[u8]| bytes.to_vec(), gzip, zstd] {
        let bytes = squeeze(&sound);
        for length in [0, 100, 600, bytes.len() / 2, bytes.len() - 1] {
            let pulled = Box::new(Pulled(io::Cursor::new(bytes[..length].to_vec())));
            let read = StreamedBundle::open("standard input", pulled).and_then(|streamed| {
                let (bundle, rest) = streamed.into_parts();
                content(bundle.apps())?;
                rest.finish()
            });
            let error = read.expect_err("pulled out");
            assert!(error.is_cut(), "{length}: {error:?}");
            assert_eq!(error.to_string(), "`standard input` cannot be read any further");
        }
    }
}

#[test]
fn after_a_failed_read_nothing_more_comes() {
    let sound = bundle();
    let (bundle, rest) = open(&sound[..sound.len() / 2]).expect("a sound head").into_parts();
    content(bundle.apps()).expect_err("cut off");
    let error = rest.finish().expect_err("nobody knows where it stands");
    assert_eq!(error.to_string(), "`standard input` is damaged: reading it has failed before");
}

#[test]
fn small_things_that_are_large_are_not_read() {
    let mut large = members(&bundle());
    large.insert(5, ("more.json".to_owned(), vec![b' '; (64 << 20) + 1]));
    let error = open(&rewritten(&large)).err().expect("too large");
    assert!(matches!(error, Error::Oci(dam_oci::Error::Archive { fault: ArchiveFault::Large { .. }, .. })), "{error}");
}

/// After any damage, a stream is refused or is the same.
fn survives(damaged: &[u8], sound: &[Content], what: &str) -> bool {
    match read(damaged) {
        Ok(read) => {
            assert_eq!(read, sound, "{what}");
            true
        }
        Err(error) => {
            assert!(!error.is_cut(), "{what}: {error}");
            false
        }
    }
}

#[test]
fn a_cut_off_stream_is_refused() {
    for bytes in [packed_bundle(), gzip(&packed_bundle()), zstd(&packed_bundle())] {
        let sound = read(&bytes).expect("sound");
        for length in (0..bytes.len()).step_by(512).chain((0..bytes.len()).step_by(101)) {
            assert!(!survives(&bytes[..length], &sound, &format!("{length} bytes")), "{length} of {}", bytes.len());
        }
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_means_nothing() {
    for bytes in [packed_bundle(), gzip(&packed_bundle()), zstd(&packed_bundle())] {
        let sound = read(&bytes).expect("sound");
        // A prime step meets header, content and padding of every member, at all offsets, over the bits.
        for (bit, at) in (0..bytes.len()).step_by(23).enumerate() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (bit % 8);
            survives(&damaged, &sound, &format!("bit {} of byte {at}", bit % 8));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_size_are_one_stream(step in 1..3000_usize, form in 0..3_usize) {
        let bytes = [packed_bundle, || gzip(&packed_bundle()), || zstd(&packed_bundle())][form]();
        let (bundle, rest) = open_drops(&bytes, step).expect("sound").into_parts();
        assert_eq!(content(bundle.apps()).expect("sound"), read(&packed_bundle()).expect("sound"));
        rest.finish().expect("whole");
    }

    #[test]
    fn random_members_never_panic(
        order in prop::collection::vec(0..18_usize, 0..20),
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let sound = members(&bundle());
        let mut mixed: Vec<_> = order.into_iter().map(|at| sound[at].clone()).collect();
        if let Some(member) = (!mixed.is_empty()).then(|| at.index(mixed.len())).map(|at| &mut mixed[at]) {
            member.1 = bytes;
        }
        read(&rewritten(&mixed)).expect_err("not a bundle");
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        read(&bytes).expect_err("not a bundle");
    }
}

#[test]
fn unpacked_lengths_are_in_the_head() {
    let streamed = open(&packed_bundle()).expect("a sound bundle");
    for (app, image) in streamed.bundle().apps().iter().zip(images()) {
        let told: Vec<_> = layers_of(app).iter().map(|layer| app.image.unpacked_size(layer)).collect();
        let plain: Vec<_> = image.manifest().layers.iter().map(|layer| Some(layer.size)).collect();
        assert_eq!(told, plain);
        assert!(layers_of(app).iter().all(|layer| layer.media_type == media_type::LAYER_ZSTD));
    }
}
