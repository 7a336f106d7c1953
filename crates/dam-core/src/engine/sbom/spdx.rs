//! The parts of a document, as SPDX 2.3 writes them: <https://github.com/spdx/spdx-spec/blob/v2.3/schemas/spdx-schema.json>.

use dam_oci::Digest;
use serde::Serialize;

/// What is not known, or not said.
pub(super) const NO_ASSERTION: &str = "NOASSERTION";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Unit>,
    relationships: Vec<Relationship>,
}

#[derive(Debug, Serialize)]
pub(super) struct CreationInfo {
    pub(super) created: String,
    pub(super) creators: Vec<String>,
}

/// What SPDX calls a package: anything that can be named, the package itself among it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unit {
    #[serde(rename = "SPDXID")]
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "versionInfo", skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(rename = "packageFileName", skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<String>,
    #[serde(rename = "downloadLocation")]
    pub(super) download: String,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    pub(super) license_concluded: &'static str,
    #[serde(rename = "licenseDeclared")]
    pub(super) license: String,
    pub(super) copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    #[serde(rename = "externalRefs", skip_serializing_if = "Vec::is_empty")]
    pub(super) refs: Vec<ExternalRef>,
    #[serde(rename = "primaryPackagePurpose")]
    pub(super) purpose: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Relationship {
    #[serde(rename = "spdxElementId")]
    pub(super) from: String,
    #[serde(rename = "relationshipType")]
    pub(super) kind: &'static str,
    #[serde(rename = "relatedSpdxElement")]
    pub(super) to: String,
}

impl Document {
    pub(super) fn new(
        name: String,
        creation_info: CreationInfo,
        packages: Vec<Unit>,
        relationships: Vec<Relationship>,
    ) -> Self {
        Self {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: "SPDXRef-DOCUMENT",
            name,
            document_namespace: String::new(),
            creation_info,
            packages,
            relationships,
        }
    }

    /// Gives the document a name in the world: no two that differ have the same.
    pub(super) fn name_by_content(&mut self) {
        let digest = Digest::of(&serde_json::to_vec(self).expect("it has text and lists only"));
        self.document_namespace = format!("https://spdx.org/spdxdocs/{}-{}", self.name, digest.hex());
    }
}

impl Unit {
    /// Something of which nothing but the name is known.
    pub(super) fn new(id: String, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            version: None,
            file: None,
            supplier: None,
            download: NO_ASSERTION.to_owned(),
            files_analyzed: false,
            checksums: Vec::new(),
            license_concluded: NO_ASSERTION,
            license: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION,
            comment: None,
            refs: Vec::new(),
            purpose: "OTHER",
        }
    }
}

impl Checksum {
    pub(super) fn sha256(digest: &Digest) -> Self {
        Self { algorithm: "SHA256", checksum_value: digest.hex() }
    }
}

impl ExternalRef {
    pub(super) fn purl(locator: String) -> Self {
        Self { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: locator }
    }

    pub(super) fn cpe(locator: String) -> Self {
        Self { reference_category: "SECURITY", reference_type: "cpe23Type", reference_locator: locator }
    }
}
