package dev.berth.master.cluster;

/** Is told in sentences, for people, what happens to agents and frameworks: who comes, who goes, what is refused and why. Nothing of the steady state. Must not block, and change nothing. Conductor thread. */
public interface Chronicle {
    /** Nobody reads it. */
    Chronicle UNREAD =
            new Chronicle() {
                @Override
                public void note(String sentence) {}

                @Override
                public void warn(String sentence) {}
            };

    /** What an operator expects to happen now and then. */
    void note(String sentence);

    /** What an operator may have to do something about. */
    void warn(String sentence);
}
