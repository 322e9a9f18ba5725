package dev.berth.protocol;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Why something with a file or a connection failed, in words: the JDK's exceptions often say a file's name and nothing else, Netty's say system calls and numbers. */
public final class Trouble {
    private static final Pattern OF_NETTY =
            Pattern.compile("failed with error\\(-?\\d+\\): ([^:]+)");

    private Trouble() {}

    /** The reason, with the file where it is not {@code file} itself: {@code permission denied}, {@code /a/b: no such file or directory}. */
    public static String ofFile(IOException e, Object file) {
        if (!(e instanceof FileSystemException told)) {
            String message = e.getMessage();
            return message == null || message.isEmpty() ? e.getClass().getSimpleName() : message;
        }
        String reason = told.getReason();
        String why =
                switch (told) {
                    case NoSuchFileException _ -> "no such file or directory";
                    case AccessDeniedException _ -> "permission denied";
                    case FileAlreadyExistsException _ -> "it is there, and is no directory";
                    case NotDirectoryException _ -> "it is no directory";
                    default -> reason == null ? told.getClass().getSimpleName() : reason;
                };
        String named = told.getFile();
        return named == null || named.equals(file.toString()) ? why : named + ": " + why;
    }

    /** Of a bind or a connect: {@code Address already in use}, {@code Connection refused}. */
    public static String ofSocket(Throwable e) {
        String message = e.getMessage();
        if (message == null) {
            return e.getClass().getSimpleName();
        }
        Matcher named = OF_NETTY.matcher(message);
        return named.find() ? named.group(1) : message;
    }
}
