//! Numbers of tags, types and flags.
//!
//! Source: <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/include/rpm/rpmtag.h>,
//! `rpmds.h` and `rpmfiles.h` beside it.

/// Covers the whole signature header.
pub(super) const SIGNATURES: u32 = 62;
/// Covers the whole header.
pub(super) const IMMUTABLE: u32 = 63;

// Tags of the signature header alone.
/// An OpenPGP signature of the header.
pub(super) const SIG_RSA: u32 = 268;
/// SHA-1 of the header, in hexadecimal.
pub(super) const SIG_SHA1: u32 = 269;
/// SHA-256 of the header, in hexadecimal.
pub(super) const SIG_SHA256: u32 = 273;
/// OpenPGP signatures of the header, each in Base64: what rpm 6 reads in place of 268.
pub(super) const SIG_OPENPGP: u32 = 278;
/// Length of header and payload.
pub(super) const SIG_SIZE: u32 = 1000;
/// MD5 of header and payload.
pub(super) const SIG_MD5: u32 = 1004;
/// Length of the payload, uncompressed.
pub(super) const SIG_PAYLOAD_SIZE: u32 = 1007;

pub(super) const LOCALES: u32 = 100;
pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const SUMMARY: u32 = 1004;
pub(super) const DESCRIPTION: u32 = 1005;
pub(super) const BUILD_TIME: u32 = 1006;
pub(super) const BUILD_HOST: u32 = 1007;
pub(super) const SIZE: u32 = 1009;
pub(super) const VENDOR: u32 = 1011;
pub(super) const LICENSE: u32 = 1014;
pub(super) const PACKAGER: u32 = 1015;
pub(super) const GROUP: u32 = 1016;
pub(super) const URL: u32 = 1020;
pub(super) const OS: u32 = 1021;
pub(super) const ARCHITECTURE: u32 = 1022;
pub(super) const PRE: u32 = 1023;
pub(super) const POST: u32 = 1024;
pub(super) const PREUN: u32 = 1025;
pub(super) const POSTUN: u32 = 1026;
pub(super) const FILE_SIZES: u32 = 1028;
pub(super) const FILE_MODES: u32 = 1030;
pub(super) const FILE_RDEVS: u32 = 1033;
pub(super) const FILE_TIMES: u32 = 1034;
pub(super) const FILE_DIGESTS: u32 = 1035;
pub(super) const FILE_TARGETS: u32 = 1036;
pub(super) const FILE_FLAGS: u32 = 1037;
pub(super) const FILE_USERS: u32 = 1039;
pub(super) const FILE_GROUPS: u32 = 1040;
pub(super) const SOURCE_PACKAGE: u32 = 1044;
pub(super) const FILE_VERIFY: u32 = 1045;
pub(super) const PROVIDE_NAMES: u32 = 1047;
pub(super) const REQUIRE_FLAGS: u32 = 1048;
pub(super) const REQUIRE_NAMES: u32 = 1049;
pub(super) const REQUIRE_VERSIONS: u32 = 1050;
pub(super) const CONFLICT_FLAGS: u32 = 1053;
pub(super) const CONFLICT_NAMES: u32 = 1054;
pub(super) const CONFLICT_VERSIONS: u32 = 1055;
pub(super) const RPM_VERSION: u32 = 1064;
pub(super) const TRIGGER_SCRIPTS: u32 = 1065;
pub(super) const TRIGGER_NAMES: u32 = 1066;
pub(super) const TRIGGER_VERSIONS: u32 = 1067;
pub(super) const TRIGGER_FLAGS: u32 = 1068;
pub(super) const TRIGGER_INDEXES: u32 = 1069;
pub(super) const CHANGE_TIMES: u32 = 1080;
pub(super) const CHANGE_NAMES: u32 = 1081;
pub(super) const CHANGE_TEXTS: u32 = 1082;
pub(super) const PRE_PROGRAM: u32 = 1085;
pub(super) const POST_PROGRAM: u32 = 1086;
pub(super) const PREUN_PROGRAM: u32 = 1087;
pub(super) const POSTUN_PROGRAM: u32 = 1088;
pub(super) const OBSOLETE_NAMES: u32 = 1090;
pub(super) const TRIGGER_PROGRAMS: u32 = 1092;
pub(super) const COOKIE: u32 = 1094;
pub(super) const FILE_DEVICES: u32 = 1095;
pub(super) const FILE_INODES: u32 = 1096;
pub(super) const FILE_LOCALES: u32 = 1097;
pub(super) const PROVIDE_FLAGS: u32 = 1112;
pub(super) const PROVIDE_VERSIONS: u32 = 1113;
pub(super) const OBSOLETE_FLAGS: u32 = 1114;
pub(super) const OBSOLETE_VERSIONS: u32 = 1115;
pub(super) const FOLDER_INDEXES: u32 = 1116;
pub(super) const BASE_NAMES: u32 = 1117;
pub(super) const FOLDER_NAMES: u32 = 1118;
pub(super) const PAYLOAD_FORMAT: u32 = 1124;
pub(super) const PAYLOAD_COMPRESSOR: u32 = 1125;
pub(super) const PAYLOAD_FLAGS: u32 = 1126;
pub(super) const PLATFORM: u32 = 1132;
pub(super) const FILE_COLORS: u32 = 1140;
pub(super) const FILE_CLASSES: u32 = 1141;
pub(super) const CLASS_NAMES: u32 = 1142;
pub(super) const POSTTRANS: u32 = 1152;
pub(super) const POSTTRANS_PROGRAM: u32 = 1154;
pub(super) const FILE_DIGEST_ALGORITHM: u32 = 5011;
pub(super) const RECOMMEND_NAMES: u32 = 5046;
pub(super) const RECOMMEND_VERSIONS: u32 = 5047;
pub(super) const RECOMMEND_FLAGS: u32 = 5048;
pub(super) const SUGGEST_NAMES: u32 = 5049;
pub(super) const SUGGEST_VERSIONS: u32 = 5050;
pub(super) const SUGGEST_FLAGS: u32 = 5051;
pub(super) const ENCODING: u32 = 5062;
pub(super) const PAYLOAD_DIGEST: u32 = 5092;
pub(super) const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
pub(super) const PLAIN_PAYLOAD_DIGEST: u32 = 5097;

/// Names, flags and versions of what a package supplements.
pub(super) const SUPPLEMENTS: [u32; 3] = [5052, 5054, 5053];
/// The same of what it enhances.
pub(super) const ENHANCES: [u32; 3] = [5055, 5057, 5056];
/// Bytes of all files, where 32 bits do not hold them.
pub(super) const LONG_SIZE: u32 = 5009;
/// Length of the payload, uncompressed, where 32 bits do not hold it; in the signature header.
pub(super) const SIG_LONG_PAYLOAD_SIZE: u32 = 271;
/// Length of the payload, uncompressed, as rpm before 4 has it in the header.
pub(super) const PAYLOAD_SIZE: u32 = 1046;

/// SHA-256, by OpenPGP's number.
pub(super) const SHA256: u32 = 8;

/// Flags of a dependency.
pub(super) mod sense {
    pub(in crate::rpm) const LESS: u32 = 1 << 1;
    pub(in crate::rpm) const GREATER: u32 = 1 << 2;
    pub(in crate::rpm) const EQUAL: u32 = 1 << 3;
    pub(in crate::rpm) const POSTTRANS: u32 = 1 << 5;
    pub(in crate::rpm) const PREREQ: u32 = 1 << 6;
    pub(in crate::rpm) const INTERPRETER: u32 = 1 << 8;
    pub(in crate::rpm) const PRE: u32 = 1 << 9;
    pub(in crate::rpm) const POST: u32 = 1 << 10;
    pub(in crate::rpm) const PREUN: u32 = 1 << 11;
    pub(in crate::rpm) const POSTUN: u32 = 1 << 12;
    pub(in crate::rpm) const TRIGGER_IN: u32 = 1 << 16;
    pub(in crate::rpm) const RPMLIB: u32 = 1 << 24;
    pub(in crate::rpm) const CONFIG: u32 = 1 << 28;
}

/// Flags of a file.
pub(super) mod file_flag {
    pub(in crate::rpm) const CONFIG: u32 = 1 << 0;
    pub(in crate::rpm) const DOC: u32 = 1 << 1;
    pub(in crate::rpm) const NO_REPLACE: u32 = 1 << 4;
    pub(in crate::rpm) const LICENSE: u32 = 1 << 7;
}
