// `--ui`: runs the dashboard and its server until a signal ends them.

import type { Interruption } from "../run/interruption"
import { reportEnd } from "../run/run"
import { Dashboard, type Settings } from "./dashboard"
import { dashboardPage } from "./page"
import { DashboardError, DashboardServer } from "./server"

/** Serves a dashboard on a port of this computer, 0 for any that is free. Throws a DashboardError. */
export async function serveDashboard(dashboard: Dashboard, port: number): Promise<DashboardServer> {
    return await DashboardServer.listen(port, {
        feed: dashboard.feed,
        page: dashboardPage(),
        now: () => dashboard.now(),
        order: order => dashboard.order(order),
        complete: (line, device) => dashboard.complete(line, device),
        graphs: (device, connection) => dashboard.graphs(device, connection),
        report: (device, connection) => dashboard.report(device, connection),
    })
}

/** Serves the dashboard on a port of this computer and returns the exit code. Prints its address, and nothing else. */
export async function runDashboard(
    port: number,
    settings: Settings,
    interruption: Interruption
): Promise<number> {
    const dashboard = new Dashboard(settings)
    let server: DashboardServer | undefined
    try {
        server = await serveDashboard(dashboard, port)
        process.stdout.write(`Dashboard: ${server.address} (Ctrl-C ends it)\n`)
        const interrupted = new Promise<void>(resolve => interruption.whenever(resolve))
        await Promise.race([dashboard.start(), interrupted])
        await interrupted
        return 0
    } catch (error) {
        if (!(error instanceof DashboardError)) return reportEnd(error)
        process.stderr.write(`${error.message}\n`)
        return 1
    } finally {
        await server?.close()
        await dashboard.close()
    }
}
