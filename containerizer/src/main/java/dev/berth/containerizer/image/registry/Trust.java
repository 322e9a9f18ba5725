package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/** Whom TLS trusts: the JDK's authorities, the host's, and those of {@code certs.d/HOST}; nobody has to vouch for a registry that is configured insecure. */
final class Trust {
    private static final List<Path> HOST_BUNDLES =
            List.of(
                    Path.of("/etc/ssl/certs/ca-certificates.crt"),
                    Path.of("/etc/pki/tls/certs/ca-bundle.crt"));

    private Trust() {}

    static SSLContext context(Endpoint endpoint, Path certificates) throws ImageException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            if (endpoint.insecure() && !Endpoint.isLoopback(endpoint.host())) {
                context.init(null, new TrustManager[] {new TrustAnyone()}, null);
            } else {
                context.init(null, authorities(certificates.resolve(endpoint.host())), null);
            }
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new ImageException("set up TLS for registry " + endpoint.host(), e);
        }
    }

    private static TrustManager[] authorities(Path directory)
            throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int number = 0;
        TrustManagerFactory jdk =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        jdk.init((KeyStore) null);
        for (TrustManager manager : jdk.getTrustManagers()) {
            if (manager instanceof X509TrustManager x509) {
                for (X509Certificate certificate : x509.getAcceptedIssuers()) {
                    store.setCertificateEntry("c" + number++, certificate);
                }
            }
        }
        for (Path file : files(directory)) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            try (InputStream in = Files.newInputStream(file)) {
                for (Certificate certificate : factory.generateCertificates(in)) {
                    store.setCertificateEntry("c" + number++, certificate);
                }
            }
        }
        TrustManagerFactory all =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        all.init(store);
        return all.getTrustManagers();
    }

    private static List<Path> files(Path directory) throws IOException {
        List<Path> result = new ArrayList<>();
        for (Path bundle : HOST_BUNDLES) {
            if (Files.isReadable(bundle)) {
                result.add(bundle);
                break;
            }
        }
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*.crt")) {
                found.forEach(result::add);
            }
        }
        return result;
    }

    /** An X509ExtendedTrustManager, because the JDK checks host names around a plain one. */
    private static final class TrustAnyone extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
