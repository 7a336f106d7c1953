//! Signatures, in the eyes of rpm and of GnuPG.

use std::fs;
use std::io;

use dam_pack::Package;
use dam_pack::sign::{External, Kind, SecretKey, SignError, Signer, Unsigned, clear_signed, detached};

use crate::keys::Keys;
use crate::sample::{DATE, Folder, empty, full};
use crate::tools::{rpm, run, shown};

const RELEASE: &str = "Origin: dam\n- a dash\nspaces  \t\nSHA256:\n abc 1 Packages\n";

fn binary(bytes: &[u8]) -> Unsigned<'_> {
    Unsigned { bytes, kind: Kind::Binary, not_before: DATE }
}

/// Signs as a command of the user would.
fn external(keys: &Keys) -> External<impl Fn(&Unsigned<'_>) -> io::Result<Vec<u8>>> {
    External(|unsigned: &Unsigned<'_>| {
        let words: &[&str] = match unsigned.kind {
            Kind::Binary => &["--detach-sign"],
            Kind::Text => &["--textmode", "--armor", "--detach-sign"],
        };
        keys.try_gpg(words, unsigned.bytes).map_err(io::Error::other)
    })
}

fn why(result: Result<impl Sized, SignError>) -> String {
    result.err().expect("it cannot be").to_string()
}

#[test]
fn rpm_believes_a_signed_package() {
    let (keys, folder) = (Keys::new("rsa4096", ""), Folder::new());
    let key = keys.key();
    let public = keys.write("public.asc", key.public_armored());
    let database = folder.path().join("database");
    let signers: [(&dyn Signer, _); 2] = [(&key, "SHA256"), (&external(&keys), "SHA512")];
    for (signer, hash) in signers {
        let path = folder.path().join("x.rpm");
        dam_pack::rpm::write(&full(), &path, Some(signer), &mut dam_pack::unwatched).expect("written");
        let check = || rpm(&database, &["-Kv", shown(&path)]);
        let signature = |state| {
            let id = key.fingerprint()[32..].to_lowercase();
            format!("    Header V4 RSA/{hash} Signature, key ID {id}: {state}")
        };
        if !database.exists() {
            fs::create_dir(&database).expect("a folder");
            let unknown = check();
            assert!(!unknown.good && unknown.out.contains(&signature("NOKEY")), "{unknown:?}");
            let define = format!("_dbpath {}", database.display());
            run("rpmkeys", &["--define", &define, "--import", shown(&public)]).expect();
        }
        assert_eq!(check().expect().lines().nth(1), Some(signature("OK").as_str()));
    }
}

#[test]
fn a_key_signs_alike_each_time_and_not_before_it_was_made() {
    let (keys, folder) = (Keys::new("rsa2048", ""), Folder::new());
    let key = keys.key();
    let write = |date| {
        let path = folder.path().join("x.rpm");
        let package = Package { source_date: date, ..empty() };
        dam_pack::rpm::write(&package, &path, Some(&key), &mut dam_pack::unwatched).expect("written");
        fs::read(path).expect("a file")
    };
    assert!(write(DATE) == write(DATE));
    let created = |not_before| {
        let signature = key.sign(&Unsigned { not_before, ..binary(b"x") }).expect("signed");
        let shown = String::from_utf8(keys.gpg(&["--list-packets"], signature.as_bytes())).expect("text");
        let (_, rest) = shown.split_once("created ").expect("a time");
        rest.split(',').next().expect("a number").parse::<u32>().expect("a number")
    };
    let made = created(DATE);
    assert!(made > DATE, "the key is younger than the package");
    assert_eq!(created(made + 5), made + 5);
}

#[test]
fn texts_are_signed_as_apt_wants_them() {
    let keys = Keys::new("rsa2048", "");
    let key = keys.key();
    let release = keys.write("Release", RELEASE);
    let ring = keys.write("public.gpg", key.public());
    let signers: [&dyn Signer; 2] = [&key, &external(&keys)];
    for signer in signers {
        let signature = keys.write("Release.gpg", detached(RELEASE.as_bytes(), signer, DATE).expect("signed"));
        run("gpgv", &["--keyring", shown(&ring), shown(&signature), shown(&release)]).expect();

        let text = clear_signed(RELEASE, signer, DATE).expect("signed");
        assert!(text.starts_with(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: dam\n- - a dash\nspaces\nSHA256:\n abc 1 Packages\n\
             -----BEGIN PGP SIGNATURE-----\n\n"
        ) || text.contains("Hash: SHA512"), "{text}");
        let clear = keys.write("InRelease", &text);
        let content = run("gpgv", &["--output", "-", "--keyring", shown(&ring), shown(&clear)]).expect();
        assert_eq!(content, "Origin: dam\n- a dash\nspaces\nSHA256:\n abc 1 Packages\n");
        let forged = keys.write("InRelease", text.replace("abc 1", "abd 1"));
        assert!(!run("gpgv", &["--keyring", shown(&ring), shown(&forged)]).good);
    }
}

#[test]
fn a_locked_key_wants_its_passphrase() {
    let keys = Keys::new("rsa2048", "open sesame");
    let file = keys.file();
    assert!(matches!(SecretKey::read(&file, None), Err(SignError::Locked)));
    assert!(matches!(SecretKey::read(&file, Some(b"sesame")), Err(SignError::Passphrase)));
    assert!(matches!(SecretKey::read(&file, Some(b"")), Err(SignError::Passphrase)));
    let key = keys.key();
    let text = keys.write("text", "text");
    let signature = keys.write("text.asc", detached(b"text", &key, DATE).expect("signed"));
    keys.gpg(&["--verify", shown(&signature), shown(&text)], b"");
    assert_eq!(format!("{key:?}"), format!("SecretKey {{ fingerprint: \"{}\", .. }}", key.fingerprint()));
}

#[test]
fn every_lock_of_gnupg_opens() {
    let keys = Keys::new("rsa2048", "x");
    for (cipher, hash) in [("AES", "SHA1"), ("AES192", "SHA256"), ("AES256", "SHA512")] {
        let words = ["--s2k-cipher-algo", cipher, "--s2k-digest-algo", hash, "--export-secret-keys"];
        let file = keys.gpg(&words, b"");
        SecretKey::read(&file, Some(b"x")).unwrap_or_else(|error| panic!("{cipher}, {hash}: {error}"));
    }
}

#[test]
fn keys_that_not_all_can_read_are_refused() {
    let elliptic = Keys::new("ed25519", "");
    assert_eq!(why(SecretKey::read(&elliptic.file(), None)), "the key cannot sign: it is not an RSA key of version 4");
    assert_eq!(
        why(external(&elliptic).sign(&binary(b"x"))),
        "the signer's answer cannot be used: it is not RSA, the one algorithm that rpm 4.11 shares with all that came later"
    );
    assert_eq!(
        why(SecretKey::read(&elliptic.gpg(&["--export"], b""), None)),
        "the key cannot sign: the file does not begin with an OpenPGP secret key"
    );
    let keys = Keys::new("rsa2048", "");
    let stub = keys.gpg(&["--export-secret-subkeys"], b"");
    assert_eq!(why(SecretKey::read(&stub, None)), "the key cannot sign: its secret half is not in the file");
}

#[test]
fn a_key_that_only_certifies_is_refused() {
    let keys = Keys::new("rsa2048", "");
    keys.gpg(&["--quick-generate-key", "Other <other@one.example>", "rsa2048", "cert", "never"], b"");
    let file = keys.gpg(&["--export-secret-keys", "other@one.example"], b"");
    assert_eq!(
        why(SecretKey::read(&file, None)),
        "the key cannot sign: it is not meant to sign, and rpm before 4.15 knows no subkeys"
    );
}

#[test]
fn what_a_signer_answers_is_looked_at() {
    let keys = Keys::new("rsa2048", "");
    let answer = |words: &[&str], input: &[u8]| {
        let run = |_: &Unsigned<'_>| keys.try_gpg(words, input).map_err(io::Error::other);
        why(External(run).sign(&binary(b"x")))
    };
    let used = |what: &str| format!("the signer's answer cannot be used: {what}");
    assert_eq!(answer(&["--detach-sign"], b"y"), used("it is not a signature of what was to be signed"));
    assert_eq!(
        answer(&["--textmode", "--detach-sign"], b"x"),
        used("it is a signature of another kind than was asked for")
    );
    assert_eq!(
        answer(&["--digest-algo", "SHA384", "--detach-sign"], b"x"),
        used("its hash is neither SHA-256 nor SHA-512")
    );
    assert_eq!(answer(&["--sign"], b"x"), used("it is not an OpenPGP signature"));
    assert_eq!(answer(&["--no-such-option"], b"x"), "the signer failed");
    assert_eq!(
        why(External(|_: &Unsigned<'_>| Ok(vec![])).sign(&binary(b"x"))),
        used("it is not an OpenPGP signature")
    );
}

#[test]
fn damaged_keys_are_no_panic() {
    let keys = Keys::new("rsa2048", "");
    let file = keys.gpg(&["--export-secret-keys"], b"");
    // The packet of 2048 bits is a little longer.
    for length in (0..900).step_by(7) {
        assert!(SecretKey::read(&file[..length], None).is_err(), "{length}");
    }
    for at in (0..file.len()).step_by(5) {
        let mut file = file.clone();
        file[at] ^= 0x55;
        let _ = SecretKey::read(&file, None);
    }
}
