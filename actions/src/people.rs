//! The people known to the office, read from `data_pengguna.json`.

use std::{collections::HashSet, path::Path};

use anyhow::{Context as _, bail};
use sapa_sdk::{Date, Identity, Nik, Phone, number::IdentityKind};
use serde::Deserialize;

/// State of a person's electronic certificate, as BSrE names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TteStatus {
    /// Valid.
    Issue,
    /// Run out.
    Expired,
    /// Registered, no certificate yet.
    NoCertificate,
    /// Not registered.
    NotRegistered,
    /// Being made.
    New,
    /// Being renewed.
    Renew,
    /// The owner has to activate it.
    WaitingForActivation,
    /// Stopped for a while.
    Suspend,
    /// Revoked.
    Revoke,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One record of the file, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    sender_id: Option<String>,
    channel: Option<String>,
    nip: Option<String>,
    nik: Option<String>,
    nama: String,
    email: String,
    wa: String,
    status_tte: TteStatus,
}

/// One person; the numbers are checked and print masked.
#[derive(Clone)]
pub struct Person {
    /// Conversation that is linked to this person, if any.
    pub sender_id: Option<String>,
    /// Channel on which that link counts; on any when there is none.
    pub channel: Option<String>,
    /// NIP or NI PPPK.
    pub employee: Option<Identity>,
    /// NIK.
    pub citizen: Option<Nik>,
    /// Full name.
    pub name: String,
    /// E-mail address at work.
    pub email: String,
    /// Registered WhatsApp number.
    pub whatsapp: Phone,
    /// Certificate.
    pub tte: TteStatus,
}

impl Person {
    /// Whether the number is one of this person's own.
    pub fn owns(&self, identity: &Identity) -> bool {
        let own_employee = self.employee.as_ref().map(Identity::expose);
        let own_citizen = self.citizen.as_ref().map(Nik::expose);
        match identity.kind() {
            IdentityKind::Nik => own_citizen == Some(identity.expose()),
            IdentityKind::Nip | IdentityKind::NiPppk => own_employee == Some(identity.expose()),
        }
    }
}

/// All known people.
#[derive(Clone, Default)]
pub struct People(Vec<Person>);

impl People {
    /// Reads the file.
    ///
    /// # Errors
    /// The file cannot be read or is not valid; see [`People::from_json`].
    pub fn load(path: &Path, today: Date) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_json(&text, today).with_context(|| format!("{} is not usable", path.display()))
    }

    /// Reads the file's content: all of it or nothing.
    ///
    /// # Errors
    /// The JSON is malformed, a number is not valid (with the record's position
    /// and the reason, never the number), or a number or link occurs twice.
    pub fn from_json(text: &str, today: Date) -> anyhow::Result<Self> {
        // serde's own message may quote the offending value.
        let records: Vec<Record> =
            serde_json::from_str(text).map_err(|error| anyhow::anyhow!(sapa_sdk::pii::mask(&error.to_string())))?;
        let mut seen = HashSet::new();
        let mut people = Vec::with_capacity(records.len());
        for (index, record) in records.into_iter().enumerate() {
            let person = person(record, today).with_context(|| format!("record {}", index + 1))?;
            let keys = [
                person.sender_id.as_ref().map(|id| format!("sender {id}")),
                person.employee.as_ref().map(|number| number.expose().to_owned()),
                person.citizen.as_ref().map(|number| number.expose().to_owned()),
            ];
            if !keys.into_iter().flatten().all(|key| seen.insert(key)) {
                bail!("record {}: its NIP, NIK or sender_id occurs before", index + 1);
            }
            people.push(person);
        }
        Ok(Self(people))
    }

    /// The person linked to a conversation on a channel.
    pub fn linked_to(&self, sender_id: &str, channel: Option<&str>) -> Option<&Person> {
        self.0.iter().find(|person| {
            person.sender_id.as_deref() == Some(sender_id)
                && (person.channel.is_none() || person.channel.as_deref() == channel)
        })
    }
}

fn person(record: Record, today: Date) -> anyhow::Result<Person> {
    let refused = |field: &str, reason: sapa_sdk::number::Refusal| anyhow::anyhow!("{field}: {}", reason.explain());
    let employee = match record.nip.map(|text| Identity::read(&text, today)).transpose() {
        Ok(read) => read.map(|checked| checked.number),
        Err(reason) => return Err(refused("nip", reason)),
    };
    if employee.as_ref().is_some_and(|number| number.kind() == IdentityKind::Nik) {
        bail!("nip: this is a NIK");
    }
    let citizen = match record.nik.map(|text| Nik::parse(&text, today)).transpose() {
        Ok(read) => read.map(|checked| checked.number),
        Err(reason) => return Err(refused("nik", reason)),
    };
    Ok(Person {
        sender_id: record.sender_id,
        channel: record.channel,
        employee,
        citizen,
        name: record.nama,
        email: record.email,
        whatsapp: Phone::parse(&record.wa).context("wa")?,
        tte: record.status_tte,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        Date { year: 2026, month: 11, day: 23 }
    }

    fn load(text: &str) -> Result<People, String> {
        People::from_json(text, today()).map_err(|error| format!("{error:#}"))
    }

    const ONE: &str = r#"{"nip":"198503152010011999","nik":"3671011503859999","nama":"Contoh Satu",
        "email":"a@contoh.go.id","wa":"081200000999","status_tte":"ISSUE","sender_id":"s"}"#;

    #[test]
    fn the_shipped_file_is_valid() {
        let people = load(include_str!("../data_pengguna.json")).unwrap();
        let person = people.linked_to("demo-tertaut", Some("cmdline")).unwrap();
        assert_eq!(person.name, "Contoh Satu");
        assert_eq!(person.whatsapp.to_string(), "+62•••••999");
        assert!(people.linked_to("lain", None).is_none());
    }

    #[test]
    fn a_bad_record_is_named_without_its_number() {
        let bad = ONE.replace("198503152010011999", "198513152010011999");
        let error = load(&format!("[{ONE},{bad}]")).err().unwrap();
        assert!(error.starts_with("record 2: nip: Tanggal lahir"), "{error}");
        assert!(!error.contains("1985"));
        let error = load(&format!("[{ONE},{ONE}]")).err().unwrap();
        assert!(error.contains("record 2") && error.contains("occurs before"), "{error}");
        let error = load(&ONE.replace("\"198503152010011999\"", "198503152010011999")).err().unwrap();
        assert!(!error.contains("1985"), "{error}");
    }

    #[test]
    fn only_the_own_numbers_are_owned() {
        let people = load(&format!("[{ONE}]")).unwrap();
        let person = people.linked_to("s", None).unwrap();
        let own = |text: &str| person.owns(&Identity::read(text, today()).unwrap().number);
        assert!(own("198503152010011999") && own("3671011503859999"));
        assert!(!own("198503152010011998") && !own("3671011503859998"));
    }

    #[test]
    fn a_status_of_a_later_version_is_unknown() {
        let people = load(&format!("[{}]", ONE.replace("ISSUE", "BARU_SEKALI"))).unwrap();
        assert_eq!(people.linked_to("s", None).unwrap().tte, TteStatus::Unknown);
    }

    #[test]
    fn a_link_counts_on_its_channel_alone() {
        let file = r#"[{"nip":"198503152010011999","nama":"A","email":"a@contoh.go.id","wa":"081200000999",
            "status_tte":"ISSUE","sender_id":"s","channel":"telegram"}]"#;
        let people = People::from_json(file, Date { year: 2026, month: 11, day: 23 }).unwrap();
        assert!(people.linked_to("s", Some("telegram")).is_some());
        assert!(people.linked_to("s", Some("rest")).is_none());
        assert!(people.linked_to("s", None).is_none());
    }
}
