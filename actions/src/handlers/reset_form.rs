//! `validate_reset_password_form`: which password was forgotten.

use sapa_sdk::{
    Dispatcher, JsonMap,
    form::{FormContext, FormValidator, validate_form},
    server::{ActionContext, ActionFuture},
};
use serde_json::Value;

use super::{aplikasi::Application, tries};
use crate::{
    Helpdesk,
    conversation::{TRIES, value_text},
};

pub(super) fn validate<'a>(
    _desk: &'a Helpdesk,
    call: &'a ActionContext,
    dispatcher: &'a mut Dispatcher,
) -> ActionFuture<'a> {
    Box::pin(async move { Ok(validate_form(&ResetForm, &call.request, dispatcher)) })
}

struct ResetForm;

impl FormValidator for ResetForm {
    fn form(&self) -> &str {
        "reset_password_form"
    }

    fn default_slots(&self) -> &[&str] {
        &["aplikasi"]
    }

    fn before(&self, context: &mut FormContext<'_>) -> Option<JsonMap> {
        tries::cancelled(context, false)
    }

    fn validate(&self, slot: &str, value: &Value, context: &mut FormContext<'_>) -> Option<JsonMap> {
        if slot != "aplikasi" {
            return None;
        }
        let said = value_text(value);
        if let Some(application) = Application::named_in(&said).or_else(|| Application::chosen_by(&said)) {
            let value = Value::from(application.canonical());
            return Some(JsonMap::from_iter([(slot.to_owned(), value)]));
        }
        let (count, values) = tries::failed(context, TRIES, &[slot]);
        match count {
            1 => context.dispatcher.utter(
                "Maaf, kami belum menangkap aplikasi yang Anda maksud. Silakan sebutkan namanya, misalnya SIMASN atau \
                 email dinas.",
            ),
            2 => context.dispatcher.utter(
                "Supaya lebih mudah, silakan tekan salah satu tombol di bawah ini, atau ketik \"petugas\" agar dibantu \
                 petugas kami.",
            ),
            // The action after the form hands over to a person.
            _ => {}
        }
        Some(values)
    }
}
