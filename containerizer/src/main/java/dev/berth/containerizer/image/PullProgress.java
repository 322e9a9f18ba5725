package dev.berth.containerizer.image;

/** Receives the progress of a pull or load; called from several download threads, so it must be thread-safe and quick. */
public interface PullProgress {
    /** Docker's words: {@code Pulling fs layer}, {@code Downloading}, {@code Extracting}, {@code Pull complete}, {@code Already exists}, {@code Retrying in 2 seconds}. {@code id} is the layer's 12-digit form or empty. */
    void update(String id, String status, long currentBytes, long totalBytes);

    /** Ignores everything. */
    PullProgress NONE = (id, status, current, total) -> {};
}
