package dev.berth.master.registry;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Registry.Contents;
import dev.berth.master.ids.AgentId;

import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A registry in one SQLite file: write-ahead log, synced at every commit. The file is held exclusively, so that a second master on the same data fails at once.
 *
 * <p>Thread: one at a time.
 */
public final class SqliteStore implements Store {
    /** Of the driver, read when the first connection is made. */
    private static final String UNPACKED_TO = "org.sqlite.tmpdir";

    private static final int SCHEMA = 1;

    private final Connection connection;
    private final Path file;

    private SqliteStore(Path file, Connection connection) {
        this.file = file;
        this.connection = connection;
    }

    /** Opens the file, or makes it. */
    public static SqliteStore open(Path file) throws IOException {
        SQLiteConfig config = new SQLiteConfig();
        config.setLockingMode(SQLiteConfig.LockingMode.EXCLUSIVE);
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setBusyTimeout(0);
        unpackBeside(file);
        keepPrivate(file);
        try {
            Connection connection =
                    DriverManager.getConnection("jdbc:sqlite:" + file, config.toProperties());
            try {
                prepare(file, connection);
                return new SqliteStore(file, connection);
            } catch (SQLException | IOException e) {
                connection.close();
                throw e;
            }
        } catch (SQLException e) {
            throw failure(file, "open", e);
        }
    }

    /** The driver unpacks SQLite's own library and counts on an orderly end to remove it; no master ends so. Beside the registry it is one file, and not one more in /tmp with each start. */
    private static void unpackBeside(Path file) throws IOException {
        if (System.getProperty(UNPACKED_TO) != null) {
            return;
        }
        Path directory = file.resolveSibling("native").toAbsolutePath();
        Files.createDirectories(
                directory,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try (DirectoryStream<Path> earlier = Files.newDirectoryStream(directory, "sqlite-*")) {
            for (Path one : earlier) {
                Files.deleteIfExists(one);
            }
        }
        System.setProperty(UNPACKED_TO, directory.toString());
    }

    /** What it holds is nobody else's business, wherever it lies; SQLite's other files get the mode of this one. */
    private static void keepPrivate(Path file) throws IOException {
        Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rw-------");
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(owner));
        } catch (FileAlreadyExistsException _) {
            if (!Files.getPosixFilePermissions(file).equals(owner)) {
                Files.setPosixFilePermissions(file, owner);
            }
        }
    }

    private static void prepare(Path file, Connection connection) throws SQLException, IOException {
        try (Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            int found;
            try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
                found = row.getInt(1);
            }
            if (found > SCHEMA) {
                throw new IOException(
                        "registry "
                                + file
                                + " was written by a newer Berth (format "
                                + found
                                + ", this one knows "
                                + SCHEMA
                                + ")");
            }
            statement.execute(
                    "CREATE TABLE IF NOT EXISTS agent (id TEXT PRIMARY KEY, standing TEXT NOT NULL, hostname TEXT NOT NULL, since_ns INTEGER NOT NULL, info BLOB NOT NULL) WITHOUT ROWID");
            statement.execute(
                    "CREATE TABLE IF NOT EXISTS weight (role TEXT PRIMARY KEY, weight REAL NOT NULL) WITHOUT ROWID");
            statement.execute("PRAGMA user_version = " + SCHEMA);
            connection.commit();
        }
    }

    private static IOException failure(Path file, String what, SQLException e) {
        SQLiteErrorCode code =
                e instanceof SQLiteException sqlite
                        ? sqlite.getResultCode()
                        : SQLiteErrorCode.UNKNOWN_ERROR;
        String why =
                switch (code) {
                    case SQLITE_BUSY, SQLITE_LOCKED -> "another master holds it";
                    case SQLITE_CORRUPT, SQLITE_NOTADB ->
                            e.getMessage()
                                    + "; move the file away and start the master again: agents come back with their tasks, weights and agents marked gone are forgotten";
                    default -> e.getMessage();
                };
        return new IOException(what + " registry " + file + ": " + why, e);
    }

    @Override
    public Contents load() throws IOException {
        List<AgentRecord> agents = new ArrayList<>();
        Map<String, Double> weights = new HashMap<>();
        try (Statement statement = connection.createStatement()) {
            try (ResultSet row =
                    statement.executeQuery(
                            "SELECT id, standing, hostname, since_ns, info FROM agent ORDER BY id")) {
                while (row.next()) {
                    agents.add(
                            new AgentRecord(
                                    new AgentId(row.getString(1)),
                                    AgentRecord.Standing.valueOf(row.getString(2)),
                                    row.getString(3),
                                    row.getLong(4),
                                    row.getBytes(5)));
                }
            }
            try (ResultSet row = statement.executeQuery("SELECT role, weight FROM weight")) {
                while (row.next()) {
                    weights.put(row.getString(1), row.getDouble(2));
                }
            }
            connection.rollback();
        } catch (SQLException e) {
            throw failure(file, "read", e);
        } catch (IllegalArgumentException e) {
            throw new IOException("registry " + file + " is damaged: " + e.getMessage(), e);
        }
        return new Contents(List.copyOf(agents), Map.copyOf(weights));
    }

    @Override
    public void commit(List<Write> writes) throws IOException {
        try {
            for (Write write : writes) {
                apply(write);
            }
            connection.commit();
        } catch (SQLException e) {
            try {
                connection.rollback();
            } catch (SQLException later) {
                e.addSuppressed(later);
            }
            throw failure(file, "write", e);
        }
    }

    private void apply(Write write) throws SQLException {
        switch (write) {
            case Write.Put(AgentRecord agent) -> {
                try (PreparedStatement put =
                        connection.prepareStatement(
                                "INSERT OR REPLACE INTO agent (id, standing, hostname, since_ns, info) VALUES (?, ?, ?, ?, ?)")) {
                    put.setString(1, agent.id().value());
                    put.setString(2, agent.standing().name());
                    put.setString(3, agent.hostname());
                    put.setLong(4, agent.sinceNs());
                    put.setBytes(5, agent.info());
                    put.executeUpdate();
                }
            }
            case Write.Remove(AgentId agent) -> {
                try (PreparedStatement remove =
                        connection.prepareStatement("DELETE FROM agent WHERE id = ?")) {
                    remove.setString(1, agent.value());
                    remove.executeUpdate();
                }
            }
            case Write.Weights(Map<String, Double> weights) -> {
                try (Statement clear = connection.createStatement();
                        PreparedStatement put =
                                connection.prepareStatement(
                                        "INSERT INTO weight (role, weight) VALUES (?, ?)")) {
                    clear.executeUpdate("DELETE FROM weight");
                    for (Map.Entry<String, Double> weight : weights.entrySet()) {
                        put.setString(1, weight.getKey());
                        put.setDouble(2, weight.getValue());
                        put.executeUpdate();
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException _) {
            // All that was answered is durable already.
        }
    }
}
