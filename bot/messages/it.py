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
    no_seeds="Non ci sono documenti da leggere in {folder}: metti lì i tuoi file .txt o .md e riprova.",
    last_index="Rispondo con l'ultimo indice.",
    reading="Leggo i documenti",
)
