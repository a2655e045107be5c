/** For esbuild: what may be left out of a bundle although its package does not say so. */

/** Files of it only define things; with what nobody uses of its thousand models left out, it loads in two thirds of the time. */
const PURE = "node_modules/@kubernetes/client-node/";

export const treeShaking = {
  name: "tree-shaking",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path: wanted, pluginData, ...from }) => {
      if (pluginData === treeShaking || from.kind === "entry-point") return undefined;
      const { importer, resolveDir, kind, namespace } = from;
      const { path, external, errors } = await resolve(wanted, {
        importer,
        resolveDir,
        kind,
        namespace,
        pluginData: treeShaking,
      });
      if (errors.length > 0 || external || !path.includes(PURE)) return undefined;
      return { path, sideEffects: false };
    });
  },
};
