"""The bot's own sentences in Italian."""

from __future__ import annotations

from bot.messages.catalogue import Messages

IT = Messages(
    decimal_mark=",",
    not_found="I documenti non lo dicono.",
    not_found_foreign=(
        "Non ho trovato una risposta chiara. I documenti più vicini sono in un'altra lingua rispetto alla domanda, "
        "e così il confronto è solo approssimativo: prova a chiedere nella loro."
    ),
    nearest="I passaggi più vicini:",
    cited="Fonte:",
    cited_many="Fonti:",
    line="riga {number}",
    page="pagina {number}",
    seconds="{number} s",
    greeting_one=(
        "Ciao! Ho letto un documento: chiedimi quello che vuoi sapere. "
        "/help elenca i comandi, /quit chiude la conversazione."
    ),
    greeting_many=(
        "Ciao! Ho letto {count} documenti: chiedimi quello che vuoi sapere. "
        "/help elenca i comandi, /quit chiude la conversazione."
    ),
    help=(
        "Fammi una domanda in italiano o in inglese: rispondo con le parole dei documenti e dico dove si trovano;\n"
        "se i documenti non contengono la risposta, lo dico.\n"
        "\n"
        "/sources  i documenti che ho letto\n"
        "/help     questa pagina\n"
        "/quit     chiude la conversazione (anche esci e Ctrl-D); Ctrl-C cancella la riga"
    ),
    goodbye="A presto.",
    documents="I documenti che ho letto:",
    unknown_command="Non conosco {command}: /help elenca i comandi.",
    empty_question="Scrivi una domanda.",
    long_question="La domanda è troppo lunga: al massimo {limit} caratteri, per favore.",
    overloaded="Ci sono troppe domande in attesa: riprova tra un momento.",
    failed="Qualcosa è andato storto mentre cercavo la risposta: riprova.",
    no_seeds="Non ci sono documenti da leggere in {folder}: metti lì i tuoi file .txt, .md, .html, .pdf o .docx e "
    "riprova.",
    last_index="Rispondo con l'ultimo indice.",
    reading="Leggo i documenti",
    stage_read="lettura dei file",
    stage_split="ricerca dei passaggi",
    stage_embed="calcolo dei vettori",
    stage_write="scrittura dell'indice",
    files_of="{done}/{total} file",
    sentences_of="{done}/{total} frasi",
    passages="{count} passaggi",
    found="{files} file, {passages} passaggi",
    rate="{count} al secondo",
    left_seconds="circa {count} s alla fine",
    left_minutes="circa {count} min alla fine",
    left_hours="circa {hours} h {minutes} min alla fine",
    working="sta cercando nei documenti…",
    searching="Sto cercando nei documenti…",
    before_you_one="Una domanda è prima della tua.",
    before_you_many="{count} domande sono prima della tua.",
    slow_down="Hai fatto molte domande in poco tempo: riprova tra {seconds} s.",
    not_allowed="Qui non sono abilitato a rispondere.",
    ask_me="Fammi una domanda: rispondo con le parole dei documenti e dico dove si trovano.",
    unreadable="Non posso leggere un messaggio che menziona il mio ruolo: menziona me per nome, oppure usa /chiedi.",
    panel_prompts="Per esempio:",
    helpful="Utile",
    not_helpful="Non utile",
    share="Condividi nel canale",
    ask_person="Chiedi a una persona",
    delete="Elimina",
    delete_question="Eliminare questa risposta per tutti?",
    cancel="Annulla",
    send="Invia",
    thanks="Grazie, ne ho preso nota.",
    why_title="Che cosa non va?",
    why_reason="La risposta è",
    reason_wrong="sbagliata",
    reason_incomplete="incompleta",
    reason_outdated="superata",
    reason_not_found="nei documenti, ma non è stata trovata",
    reason_other="altro",
    why_comment="Con parole tue",
    only_asker="Solo chi ha fatto la domanda può eliminare questa risposta.",
    not_kept="Non conservo più questa risposta.",
    person_asked="È stato chiesto a una persona.",
    nobody_to_ask="Al momento non c'è nessuno a cui chiedere.",
    escalation="{user} chiede che una persona risponda a questa domanda:",
    shared="{user} ha chiesto:",
    found_helpful="{user} ha trovato utile questa risposta:",
    found_not_helpful="{user} non ha trovato utile questa risposta:",
    withheld="Domanda e risposta sono omesse: provengono da documenti che qui non si mostrano.",
    not_shared="Non posso condividere questa risposta: proviene da documenti che qui non si mostrano.",
    to_answer="Vai alla risposta",
    whole_answer="La risposta intera è nel file.",
    feedback_lost="Non sono riuscito a prenderne nota: riprova più tardi.",
    failed_to_do="Non ci sono riuscito: riprova più tardi.",
    command_ask="chiedi",
    command_ask_about="Chiedi su questo",
    command_ask_description="Chiedi ai documenti",
    option_question="domanda",
    option_question_description="La tua domanda",
    option_private="privata",
    option_private_description="Solo tu vedi la risposta",
    command_sources="fonti",
    command_sources_description="I documenti da cui vengono le risposte",
)
