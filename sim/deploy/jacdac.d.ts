// Types for the parts of jacdac-ts that are used here: the "exports" of the package do not include its types.

declare module "jacdac-ts" {
    export interface JDEventSource {
        on(event: string, handler: (...args: never[]) => void): unknown
    }

    export abstract class Transport implements JDEventSource {
        constructor(type: string)
        readonly type: string
        on(event: string, handler: (...args: never[]) => void): unknown
        connect(background?: boolean): Promise<void>
        disconnect(background?: boolean): Promise<void>
        protected abstract transportConnectAsync(background?: boolean): Promise<void>
        protected abstract transportSendPacketAsync(frame: Uint8Array): Promise<void>
        protected abstract transportDisconnectAsync(background?: boolean): Promise<void>
        protected handleFrame(frame: Uint8Array): void
    }

    export class JDBus implements JDEventSource {
        constructor(
            transports: Transport[],
            options?: { client?: boolean; disableRoleManager?: boolean; proxy?: boolean }
        )
        autoConnect: boolean
        passive: boolean
        readonly connected: boolean
        on(event: string, handler: (...args: never[]) => void): unknown
        start(): void
        stop(): Promise<void>
        connect(background?: boolean): Promise<void>
        disconnect(): Promise<void>
        services(options: { serviceClass: number; lost?: boolean }): JDService[]
        /** The bus's time, ms. */
        readonly timestamp: number
    }

    export class Packet {
        static from(serviceCommand: number, data: Uint8Array): Packet
        readonly serviceCommand: number
        readonly data: Uint8Array
    }

    export interface JDDevice {
        /** The device's identifier, 16 hexadecimal digits. */
        readonly deviceId: string
        readonly shortId: string
        /** The bus's time at the device's last packet, ms. */
        readonly lastSeen: number
        services(options: { serviceClass: number }): JDService[]
    }

    export interface JDRegister {
        readonly data: Uint8Array | undefined
        readonly boolValue: boolean | undefined
        sendSetBoolAsync(value: boolean): Promise<void>
        sendGetAsync(): Promise<void>
        once(event: string, handler: () => void): unknown
    }

    export interface JDService {
        readonly device: JDDevice
        register(code: number): JDRegister
        sendCmdPackedAsync(command: number, values: unknown[], ack?: boolean): Promise<void>
        sendPacketAsync(packet: Packet): Promise<void>
        on(event: string, handler: (packet: Packet) => void): () => void
    }

    export class SettingsClient {
        constructor(service: JDService)
        setValue(key: string, value: Uint8Array | undefined): Promise<void>
        getValue(key: string): Promise<Uint8Array | undefined>
        listKeys(): Promise<string[]>
    }

    export const OutPipe: {
        sendBytes(
            service: JDService,
            command: number,
            bytes: Uint8Array,
            onProgress?: (part: number) => void
        ): Promise<void>
    }

    export function createNodeWebSerialTransport(serialPort: unknown): Transport

    export const SRV_DEVICE_SCRIPT_MANAGER: number
    export const SRV_SETTINGS: number
    export const SRV_WIFI: number
    export const TRANSPORT_ERROR: string
    export const REPORT_RECEIVE: string
    export const DISCONNECT: string
    export const WifiCmd: { AddNetwork: number }
    export const DeviceScriptManagerCmd: { DeployBytecode: number }
    export const DeviceScriptManagerReg: {
        Running: number
        Autostart: number
        ProgramSize: number
        ProgramSha256: number
    }
}
