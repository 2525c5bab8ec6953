"""How do many codings become one?

In come codings of several coders; out comes one coder more, or a list for a person to decide. Open
`consensus_labels.py` first.

| question | file |
|---|---|
| which label has the majority, which is the likeliest? | `consensus_labels.py`, `dawid_skene_em.py` |
| where do coders disagree, and over which labels? | `disagreement.py` |
| what did a person decide? | `adjudication.py` |
"""
