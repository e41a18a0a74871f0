// What is kept of the viewer: downloaded by links, deleted here.
import { call } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { toast, toastFailure } from "./shell.js";

/** `at(rest)`: an API address in this session; `forgotten()`: whoever this device was is forgotten. */
export function startData({ at, forgotten }) {
  byId("data-forget").addEventListener("click", () => byId("forget-dialog").showModal());
  byId("forget-do").addEventListener("click", async () => {
    try {
      await call("DELETE", at("/me/data"), { sure: true });
    } catch (failure) {
      return toastFailure(failure);
    }
    byId("forget-dialog").close();
    toast(t("viewer.data.forgotten"));
    return forgotten();
  });
}
