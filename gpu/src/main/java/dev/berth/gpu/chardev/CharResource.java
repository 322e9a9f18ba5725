package dev.berth.gpu.chardev;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One resource of the configuration; the package says what each field means.
 *
 * @param mode permissions of nodes in containers; empty: as on the host
 * @param closedIsClean nobody's having it open is enough for the next holder; else a reset is wanted too
 */
public record CharResource(
        String name,
        String resourceName,
        String model,
        List<Source> sources,
        List<Node> controlNodes,
        List<Node> withheldNodes,
        Map<String, String> attributes,
        OptionalInt mode,
        boolean closedIsClean) {
    public CharResource {
        sources = List.copyOf(sources);
        controlNodes = List.copyOf(controlNodes);
        withheldNodes = List.copyOf(withheldNodes);
        attributes = Map.copyOf(attributes);
    }

    /** Where devices come from. */
    public sealed interface Source {
        /** One device for each node that matches. */
        record Matching(NodeGlob glob, List<String> with) implements Source {
            public Matching {
                with = List.copyOf(with);
            }
        }

        /** One device. {@code nodes} is not empty. */
        record Named(String id, List<Node> nodes) implements Source {
            public Named {
                nodes = List.copyOf(nodes);
            }
        }
    }

    /**
     * A device node.
     *
     * @param numbers where they are configured; else they are the node's own on the host
     */
    public record Node(String path, Optional<Numbers> numbers) {}

    /** Major and minor. */
    public record Numbers(int major, int minor) {}
}
